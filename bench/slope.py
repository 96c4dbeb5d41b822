"""What a token costs and what an ask costs: the same number of texts, short ones and long ones; the rest is a line."""

import asyncio

from bench.readers import Readers
from bench.through_app import cpu
from tests.house import FakeEngine, house

STREAMS, ROUNDS, RATE = 50, 12, 60.0
SHORT, LONG = 10, 130  # tokens of a text; no ask may have more
NAMES = ("worker", "web")


def slope() -> None:
    """Print microseconds of processor a token and milliseconds an ask."""
    short, long = asyncio.run(_spent(SHORT)), asyncio.run(_spent(LONG))
    print(f"\n{STREAMS} streams at once, texts of {SHORT} tokens against texts of {LONG}")
    for name in NAMES:
        token = (long[name] - short[name]) / (LONG - SHORT)
        print(f"  {name:8} {1e6 * token:6.1f} µs a token, and {1e3 * (short[name] - SHORT * token):5.2f} ms an ask")


async def _spent(tokens: int) -> dict[str, float]:
    """Seconds of processor a text, by process."""
    with house(FakeEngine(rate=RATE, tokens=tokens), QUEUE_LIMIT="5000") as built:
        async with Readers(built, STREAMS) as readers:
            heard = await readers.burst()
            assert {each.tokens for each in heard} == {tokens}, "texts of another length"
            before = {name: cpu(getattr(built, name)) for name in NAMES}
            for _ in range(ROUNDS):
                await readers.burst()
            return {name: (cpu(getattr(built, name)) - before[name]) / (ROUNDS * STREAMS) for name in NAMES}
