"""`make bench`: the figures of the house, each beside the engine's own, in one run.

    python -m bench [--streams 1,10,50,200,1000] [--rates 20,60] [--nodes 1,2,4] [--rounds 5] [--model FILE]

Up to 50 streams are asked for in one instant, again and again. More are spread over some seconds, once: so many writers
do not press a key together. The fake engines share the cores with the house, so what they cost is in every figure, the
engine's own included; the tabs cost little. Leaves out: GPU engines, TLS, more than one machine.
"""

import argparse
import asyncio
import gc
import math
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench.direct import CONTINUE, Heard, burst
from bench.embedded import embedded
from bench.figures import in_ms, percentile
from bench.machine import Machine
from bench.readers import Readers
from bench.slope import slope
from bench.stages import listening, means, totals
from bench.through_app import cpu
from bench.travel import Travel
from inference.engines.base import Node
from tests.house import FakeEngine, House, house
from tests.processes import free_port, wait_until

TOKENS = 300  # more than an ask may have: each is as long as it may be
INSTANT = 50  # streams up to which all begin in one instant
SPACE = 0.3  # seconds between rounds
LEAST = 12  # asks that a table is made of: a median of three is chance
PER_SECOND = 40  # asks, where they are spread


@dataclass
class Seen:
    """What one table is made of."""

    streams: int
    straight: list[Heard] = field(default_factory=list)
    through: list[Heard] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=lambda: {"worker": 0.0, "web": 0.0})
    travel: list[float] = field(default_factory=list)


async def measure(built: House, nodes: list[Node], streams: int, rounds: int) -> Seen:
    """Rounds straight and through the app in turn; both see the same machine."""
    seen = Seen(streams)
    spread = 0.0 if streams <= INSTANT else streams / PER_SECOND
    async with Readers(built, streams) as readers, Travel(built.redis.url, readers.sessions) as travel:
        if not spread:  # connections, threads and caches are warm in both ways from here on
            await readers.burst()
            await burst(nodes, streams, CONTINUE)
        for _ in range(1 if spread else max(rounds, math.ceil(LEAST / streams))):
            seen.straight += await burst(nodes, streams, CONTINUE, spread)
            await asyncio.sleep(SPACE)
            before = {name: cpu(getattr(built, name)) for name in seen.spent}
            seen.through += await readers.spread(spread, travel)
            for name, earlier in before.items():
                seen.spent[name] += cpu(getattr(built, name)) - earlier
            await asyncio.sleep(SPACE)
        seen.travel = travel.seconds
    return seen


def show(seen: Seen, *, rate: float, nodes: int) -> None:
    tokens = sum(each.tokens for each in seen.through)
    how = "in one instant" if seen.streams <= INSTANT else f"over {seen.streams / PER_SECOND:.0f} s"
    print(f"\n{seen.streams} streams {how}, {rate:.0f} tokens a second each, {nodes} node(s), {tokens} characters")
    firsts = [[each.first for each in heard] for heard in (seen.straight, seen.through)]
    print(f"  first text, straight     {in_ms(firsts[0])}")
    print(f"  first text, through      {in_ms(firsts[1])}")
    middle = 1000 * (statistics.median(firsts[1]) - statistics.median(firsts[0]))
    worst = 1000 * (percentile(firsts[1], 0.99) - percentile(firsts[0], 0.99))
    print(f"  added by the app         p50 {middle:7.1f} ms   p99 {worst:7.1f} ms")
    print(f"  frame, worker to browser {in_ms(seen.travel)}")
    print(f"  tokens/s through/straight {_speed(seen.through) / _speed(seen.straight):.3f}")
    for name, seconds in seen.spent.items():
        print(f"  {name + ' cpu a token':24} {1e6 * seconds / tokens:7.1f} µs")


def _speed(heard: list[Heard]) -> float:
    """Tokens a second of the median stream, from its first text to its end."""
    return statistics.median(each.tokens / (each.whole - each.first) for each in heard)


def tables(rate: float, nodes: int, many: list[int], rounds: int) -> None:
    """One house with so many nodes, and a table for each number of streams."""
    engine, port = FakeEngine(rate=rate, tokens=TOKENS), free_port()
    others = [engine] * (nodes - 1)
    with house(engine, *others, QUEUE_LIMIT="5000", INSPIRE_CONCURRENCY="2000", WORKER_METRICS_PORT=str(port)) as built:
        addresses = [f"http://127.0.0.1:{process.argv[-1]}" for process in built.nodes]
        there = [Node(f"node-{place}", "fake", address) for place, address in enumerate(addresses)]
        wait_until(lambda: listening(port), within=30, what="the worker")
        for streams in many:
            before = totals(port)
            show(asyncio.run(measure(built, there, streams, rounds)), rate=rate, nodes=nodes)
            for name, mean in means(before, totals(port)).items():
                print(f"  stage {name:18} mean {mean:6.2f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", default="1,10,50,200,1000", help="how many at once, comma-separated")
    parser.add_argument("--rates", default="60,20", help="tokens a second of the fake engine")
    parser.add_argument("--nodes", default="1,2,4", help="how many fake nodes; more than one only with 50 streams")
    parser.add_argument("--rounds", type=int, default=5, help="bursts of each; more where few are asked at once")
    parser.add_argument("--model", type=Path, help="the GGUF file of the embedded default; left out if not named")
    asked = parser.parse_args()
    gc.disable()  # a search for garbage here would be told as a frame that came late
    machine = Machine()
    many = [int(each) for each in asked.streams.split(",")]
    for nodes in map(int, asked.nodes.split(",")):
        for rate in map(float, asked.rates.split(",")):
            tables(rate, nodes, many if nodes == 1 else [INSTANT], asked.rounds)
    slope()
    if asked.model:
        embedded(asked.model)
    machine.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
