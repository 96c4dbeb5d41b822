"""`make bench`: the figures of the house, each beside the engine's own, in one run.

    python -m bench [--streams 1,10,50] [--rounds 5] [--model FILE]

Leaves out: GPU engines, TLS, more than one machine. The client shares the cores with everything else, so what it costs
is in every figure, the engine's own included.
"""

import argparse
import asyncio
import statistics
import sys
from pathlib import Path

from bench.direct import CONTINUE, Heard, burst
from bench.embedded import embedded
from bench.figures import in_ms, percentile
from bench.through_app import Seats, cpu
from inference.engines.base import Node
from tests.house import FakeEngine, House, house

ENGINE = FakeEngine(rate=60.0, tokens=300)
SPACE = 0.3  # seconds between rounds


async def streams_table(built: House, many: int, rounds: int) -> None:
    """Rounds straight and through the app in turn; both see the same machine."""
    node = Node("fake", "fake", f"http://127.0.0.1:{built.engine_port}")
    straight: list[Heard] = []
    through: list[Heard] = []
    spent = {"worker": 0.0, "web": 0.0}
    async with Seats(built, many) as seats:
        await seats.burst()  # connections, threads and caches are warm in both ways from here on
        await burst(node, many, CONTINUE)
        for _ in range(rounds):
            straight += await burst(node, many, CONTINUE)
            await asyncio.sleep(SPACE)
            before = {"worker": cpu(built.worker), "web": cpu(built.web)}
            through += await seats.burst()
            spent["worker"] += cpu(built.worker) - before["worker"]
            spent["web"] += cpu(built.web) - before["web"]
            await asyncio.sleep(SPACE)
    _print_streams(many, straight, through, spent)


def _print_streams(many: int, straight: list[Heard], through: list[Heard], spent: dict[str, float]) -> None:
    tokens = sum(each.tokens for each in through)
    print(f"\n{many} streams at once, {len(through)} in all, {tokens} characters")
    print(f"  first text, straight     {in_ms([each.first for each in straight])}")
    print(f"  first text, through      {in_ms([each.first for each in through])}")
    added = [
        1000 * (percentile([each.first for each in through], share) - percentile([e.first for e in straight], share))
        for share in (0.5, 0.99)
    ]
    print(f"  added by the app         p50 {added[0]:7.1f} ms   p99 {added[1]:7.1f} ms")
    print(f"  tokens/s through/straight {_speed(through) / _speed(straight):.3f}")
    for name, seconds in spent.items():
        print(f"  {name + ' cpu a token':24} {1e6 * seconds / tokens:7.1f} µs")


def _speed(heard: list[Heard]) -> float:
    """Tokens a second of the median stream, from its first text to its end."""
    return statistics.median(each.tokens / (each.whole - each.first) for each in heard)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", default="1,10,50", help="how many at once, comma-separated")
    parser.add_argument("--rounds", type=int, default=5, help="bursts of each")
    parser.add_argument("--model", type=Path, help="the GGUF file of the embedded default; left out if not named")
    asked = parser.parse_args()
    with house(ENGINE) as built:
        for many in asked.streams.split(","):
            asyncio.run(streams_table(built, int(many), asked.rounds))
    if asked.model:
        embedded(asked.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
