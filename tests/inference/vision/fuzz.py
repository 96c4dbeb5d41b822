"""Throws spoilt pictures at the gate for some minutes: `python -m tests.inference.vision.fuzz 300`.

Each is one of the good files with bytes changed, cut out, doubled or exchanged with another file's. Whatever comes out
must be a plain picture or a known code, in time. Tells what it saw; a seed that broke something is printed.
"""

import asyncio
import random
import sys
import time
from collections import Counter

from inference.vision.bounds import CODES
from inference.vision.cell import WITHIN
from inference.vision.opening import Gate, NotOpened
from tests.inference.vision.test_gate import GOOD, MARK


def spoilt(files: list[bytes], seed: int) -> bytes:
    chance = random.Random(seed)
    raw = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 3, 10, 60))):
        place, length = chance.randrange(len(raw)), chance.choice((1, 2, 4, 64))
        what = chance.randrange(4)
        if what == 0:
            raw[place : place + length] = chance.randbytes(length)
        elif what == 1 and len(raw) > 200:
            del raw[place : place + length]
        elif what == 2:
            raw[place:place] = raw[place : place + length]
        else:
            raw[place : place + length] = chance.choice(files)[:length] if length < 4 else b"\xff" * length
    return bytes(raw)


async def main(seconds: float, seed: int) -> Counter[str]:
    files = [make() for name, make in GOOD.items() if name != "large"]
    seen: Counter[str] = Counter()
    gate, until, slowest = Gate(), time.monotonic() + seconds, 0.0
    while time.monotonic() < until:
        seed, began = seed + 1, time.monotonic()
        try:
            opened = await gate.open(spoilt(files, seed))
            seen["opened"] += 1
            assert MARK not in opened.jpeg, seed
        except NotOpened as no:
            seen[no.code] += 1
        assert set(seen) <= {"opened", *CODES}, seed
        slowest = max(slowest, time.monotonic() - began)
        assert slowest < WITHIN + 1, seed
    print(f"{seen.total()} files, slowest {slowest:.1f} s, last seed {seed}: {dict(seen)}")
    return seen


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
