"""How a picture gets through the gate: a child process that is given bytes, watched, and not believed."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.vision import cell
from inference.vision.bounds import CODES, MOST_BYTES, SIDE

logger = logging.getLogger(__name__)

AT_ONCE = 2  # decoders of one process
IN_LINE = 16  # uploads that may wait for one; each holds its bytes in memory
# A gate that was taken over could say anything: of a JPEG's parts only those that hold pixels are let through.
PLAIN = frozenset({0xC0, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0})
# What ends a scan: within one FF comes before 00, a number of its pixels, or before D0 to D7, a mark between them.
NO_PIXEL = re.compile(rb"\xff[^\x00\xd0-\xd7]")
COLOUR = re.compile(r"#[0-9a-f]{6}")
MEASURED = ("brightness", "contrast", "saturation", "warmth")


@dataclass(frozen=True, slots=True)
class Opened:
    """A clean picture: the bytes of a JPEG and what was measured."""

    jpeg: bytes
    width: int
    height: int
    facts: dict[str, Any]


class NotOpened(Exception):
    """A picture that was not taken; `code` is one of `bounds.CODES`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Gate:
    """Opens pictures, few at once. One an event loop."""

    def __init__(self) -> None:
        self._seats = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def open(self, raw: bytes) -> Opened:
        """The picture in `raw`, clean. Raises NotOpened."""
        if len(raw) > MOST_BYTES:
            raise NotOpened("too_big")
        if self._waiting >= IN_LINE:
            raise NotOpened("full")
        self._waiting += 1
        try:
            async with self._seats:
                return _believed(await _through(raw))
        finally:
            self._waiting -= 1


class Tagger:
    """Asks the classifier about clean pictures, one at a time. One an event loop."""

    def __init__(self) -> None:
        self._seat = asyncio.Semaphore(1)

    async def likely(self, jpeg: bytes, weights: Path | None) -> Mapping[int, float]:
        """Probabilities by ImageNet's classes; nothing where there is no classifier or it fails, which is logged."""
        if weights is None:
            return {}
        try:
            async with self._seat:
                answer = await cell.run("inference.vision.tagger", str(weights), given=jpeg)
            return {int(at): float(p) for at, p in json.loads(answer) if 0 <= at < 1000 and 0 <= p <= 1}
        except (cell.Ended, ValueError, TypeError) as fault:
            logger.warning("a picture was not tagged (%s)", fault)
            return {}


async def _through(raw: bytes) -> bytes:
    try:
        return await cell.run("inference.vision.gate", given=raw)
    except cell.Ended as fault:
        raise NotOpened("too_long" if fault.slow else "broken") from None


def _believed(answer: bytes) -> Opened:
    head, _, jpeg = answer.partition(b"\n")
    try:
        told = json.loads(head)
        if "refused" in told:
            raise NotOpened(told["refused"] if told["refused"] in CODES else "broken")
        width, height, facts = int(told["width"]), int(told["height"]), told["facts"]
        measured = {name: _number(facts[name]) for name in MEASURED}
        palette = [COLOUR.fullmatch(colour)[0] for colour in facts["palette"][:8]]  # type: ignore[index]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NotOpened("broken") from None
    if not (0 < width <= SIDE and 0 < height <= SIDE and is_plain(jpeg)):
        raise NotOpened("broken")
    return Opened(jpeg, width, height, measured | {"palette": palette})


def _number(told: Any) -> float:
    """Raises ValueError where it is none, or none that was measured."""
    number = float(told)
    if not -1 <= number <= 1:
        raise ValueError(told)
    return number


def is_plain(jpeg: bytes) -> bool:
    """Whether it is a JPEG from first byte to last, with nothing in it but tables and the pixels of one scan."""
    place = 2
    while jpeg.startswith(b"\xff\xd8") and place + 4 <= len(jpeg) and jpeg[place] == 0xFF:
        kind, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4])
        if kind not in PLAIN or length < 2 or (kind == 0xE0 and length != 16):
            return False
        place += 2 + length
        if kind == 0xDA:
            end = NO_PIXEL.search(jpeg, place)
            return end is not None and end.group() == b"\xff\xd9" and end.end() == len(jpeg)
    return False
