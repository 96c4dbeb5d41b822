"""Judges 对联, two lines that mirror each other: sizes, tones at the places of the rhythm, ends, no character twice.

It knows rules where the maker (duilian.py) knows patterns, and reads another table. Where the feet of a long line are
divided is not written, so that division counts which finds least fault.
"""

from collections.abc import Iterator, Sequence

from inference.verse.check import Fault, Verdict, parts, told
from inference.verse.readings import LEVEL, OBLIQUE

SIZES = range(4, 16)
WHOLE = 7  # characters that a line may have without being divided
PART = range(3, 8)  # and those that each half of a longer one may
ENDS = (OBLIQUE, LEVEL)  # of the first and the second line
_OTHER = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}


def check(text: str, size: int = 0) -> Verdict:
    """Judge a text as a pair of lines, of this size if one was asked for."""
    lines = parts(text, max(1, sum(map(len, parts(text, len(text) or 1))) // 2))
    wrong = list(_sizes(lines, size))
    said = tuple(map(told, lines))
    if wrong:
        return Verdict("duilian", strict=False, right=False, opening="", rhyme="", lines=said, faults=tuple(wrong))
    upper, lower = (line.tones for line in said)
    ways = [list(_opposed(upper, lower, beats)) for beats in _beats(len(upper))]
    best = min(range(len(ways)), key=lambda at: len(ways[at]))
    found = [*_ends(lines, (upper, lower)), *ways[best], *_twice(*lines)]
    faults = tuple(sorted(found, key=lambda fault: (fault.line or 0, fault.place or 0)))
    wanted = _wanted(upper, _beats(len(upper))[best])
    marked = tuple(told(line, wanted=wants) for line, wants in zip(lines, wanted, strict=True))
    return Verdict("duilian", strict=False, right=not faults, opening="", rhyme="", lines=marked, faults=faults)


def _sizes(lines: Sequence[str], size: int) -> Iterator[Fault]:
    if len(lines) != 2:
        yield Fault("字数")
        return
    wanted = size or len(lines[0])
    if wanted not in SIZES:
        yield Fault("字数", 1)
    yield from (Fault("字数", at) for at, line in enumerate(lines, 1) if len(line) != wanted)


def _beats(size: int) -> list[set[int]]:
    """The places, from 0, at which tones count: of each way to divide a line. The last is spoken of by `_ends`."""
    if size <= WHOLE:
        return [_feet(0, size) - {size - 1}]
    first = [left for left in PART if size - left in PART] or [size // 2]
    return [(_feet(0, left) | {left - 1} | _feet(left, size)) - {size - 1} for left in first]


def _feet(start: int, end: int) -> set[int]:
    """Every second place of a stretch."""
    return set(range(start + 1, end, 2))


def _opposed(upper: str, lower: str, beats: set[int]) -> Iterator[Fault]:
    for place in sorted(beats):
        if upper[place] == lower[place] in _OTHER:
            yield Fault("失对", 2, place + 1)


def _ends(lines: Sequence[str], tones: Sequence[str]) -> Iterator[Fault]:
    for at, (line, heard, end) in enumerate(zip(lines, tones, ENDS, strict=True), 1):
        if heard[-1] == _OTHER[end]:
            yield Fault("平仄", at, len(line))


def _twice(upper: str, lower: str) -> Iterator[Fault]:
    for place, (one, other) in enumerate(zip(upper, lower, strict=True), 1):
        if one == other:
            yield Fault("同字", 2, place, one)


def _wanted(upper: str, beats: set[int]) -> tuple[str, str]:
    """What each line wants: of the first only its end, of the second the other tone at each beat."""
    free = "·" * (len(upper) - 1)
    answer = "".join(_OTHER.get(tone, "·") if place in beats else "·" for place, tone in enumerate(upper[:-1]))
    return free + ENDS[0], answer + ENDS[1]
