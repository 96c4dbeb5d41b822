"""What photographs cost: upload to chips, chips to poem, memory, and what ten uploads at once do to ten poems.

    python -m bench.photos [--model FILE] [--rounds 5]

Without a model the poem is left out. The photograph is tests/photographs/coffee.jpg, enlarged to the twelve million
pixels that a phone takes. The client, the fake engine and the house share the cores.
"""

import argparse
import asyncio
import io
import os
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

from PIL import Image

from bench.direct import CONTINUE
from bench.figures import in_ms
from bench.through_app import Seats
from inference.models.catalogue import TAGGER
from inference.supply import from_environment
from tests.client import Tab, Writer
from tests.house import FakeEngine, House, RealEngine, house
from tests.processes import ROOT
from tests.writingapp.sending import send

PHOTO = ROOT / "tests" / "photographs" / "coffee.jpg"
PIXELS = (4000, 3000)
POEMS, RATE, TOKENS = 10, 20.0, 300  # streams at once, tokens a second of each, tokens of one


def photograph() -> bytes:
    out = io.BytesIO()
    Image.open(PHOTO).resize(PIXELS, Image.Resampling.LANCZOS).save(out, "JPEG", quality=90)
    return out.getvalue()


def peak(module: str, *arguments: str, given: bytes) -> tuple[int, float, bytes]:
    """Bytes that a child had at most, its seconds of a processor, and what it answered."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(given)
    child.stdin.close()
    answer = child.stdout.read()
    _, _, used = os.wait4(child.pid, 0)
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), used.ru_utime + used.ru_stime, answer


def children(raw: bytes) -> None:
    weights = str(from_environment().obtain(TAGGER))
    most, spent, answer = peak("inference.vision.gate", given=raw)
    print(f"gate      {most / 1e6:6.0f} MB   {spent:5.2f} s of a processor")
    most, spent, _ = peak("inference.vision.tagger", weights, given=answer.partition(b"\n")[2])
    print(f"tagger    {most / 1e6:6.0f} MB   {spent:5.2f} s of a processor")


async def upload(writer: Writer, session: str, raw: bytes) -> float:
    began = time.perf_counter()
    path = f"/api/v1/sessions/{session}/photos"
    status, _, body = await asyncio.to_thread(send, writer, "POST", path, raw)
    assert status == 200, body
    return time.perf_counter() - began


async def gaps(one: Tab) -> list[float]:
    """Seconds between two frames of one text."""
    told = await one.inspire(kind="continue", before=CONTINUE.before, form="")
    candidate, last, seen = told["candidates"][0]["id"], 0.0, []
    while True:
        message = await one.hear()
        if message["type"] == "frame":
            now = time.perf_counter()
            seen += [now - last] if last else []
            last = now
        if message["type"] == "end" and message["candidate"] == candidate:
            return seen


async def beside(built: House, raw: bytes, rounds: int) -> None:
    """Ten poems alone, and ten while ten others upload, in turn."""
    quiet: list[float] = []
    busy: list[float] = []
    taken: list[float] = []
    async with Seats(built, POEMS) as seats:
        for _ in range(rounds):
            quiet += chain.from_iterable(await asyncio.gather(*map(gaps, seats.tabs)))
            places = await asyncio.to_thread(built.sit_down, *(f"p{time.time_ns()}-{n}" for n in range(POEMS)))
            uploads = [upload(Writer(built, cookie), session, raw) for cookie, session in places]
            heard, took = await asyncio.gather(asyncio.gather(*map(gaps, seats.tabs)), asyncio.gather(*uploads))
            busy += chain.from_iterable(heard)
            taken += took
    print(f"between two frames, {POEMS} poems          {in_ms(quiet)}")
    print(f"the same, beside {POEMS} uploads at once   {in_ms(busy)}")
    print(f"upload to chips, {POEMS} at once           {in_ms(taken)}   longest {max(taken):.1f} s")


async def alone(built: House, raw: bytes, rounds: int) -> None:
    places = await asyncio.to_thread(built.sit_down, *(f"alone-{time.time_ns()}-{n}" for n in range(rounds)))
    taken = [await upload(Writer(built, cookie), session, raw) for cookie, session in places]
    print(f"upload to chips, one after the other   {in_ms(taken)}")


async def poems(built: House, rounds: int) -> None:
    """With the embedded engine: a quatrain about three chips, asked to finished; the first reads the prompt anew."""
    taken = []
    async with Seats(built, 1) as seats:
        for number in range(rounds + 1):
            began = time.perf_counter()
            told = await seats.tabs[0].inspire(form="wujue", wish="", chips=["一盏热饮", "微光", f"暖色{number}"])
            await seats.tabs[0].ended(told["candidates"][0]["id"])
            taken.append(time.perf_counter() - began)
    print(f"chips to poem, embedded engine, the first {taken[0]:.1f} s, then {in_ms(taken[1:])}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    raw = photograph()
    print(f"a photograph of {len(raw) / 1e6:.1f} MB, {PIXELS[0]} by {PIXELS[1]} pixels; load {os.getloadavg()[0]:.1f}")
    children(raw)
    with house(FakeEngine(rate=RATE, tokens=TOKENS), PHOTO_TAGS="yes") as built:
        asyncio.run(alone(built, raw, wanted.rounds))
        asyncio.run(beside(built, raw, wanted.rounds))
    if wanted.model:
        with house(RealEngine(model=wanted.model, threads=2)) as built:
            asyncio.run(poems(built, wanted.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
