"""Reads the Tang poems of the npm package chinese-poetry (2.0.1, MIT), which this repository does not carry.

    npm pack chinese-poetry@2.0.1

Only the scripts that make the tables, and the figures in docs/verse.md, need it.
"""

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_FILE = re.compile(r"quantangshi/poet\.tang\.\d+\.json$")
_MARKS = re.compile(r"[，。？！；、：]")
HAN = re.compile(r"[㐀-䶿一-鿿]")


class Poem(NamedTuple):
    """A poem as the package has it, in traditional script."""

    author: str
    title: str
    lines: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int] | None:
        """Lines and characters a line, if all lines are of one length."""
        lengths = {len(line) for line in self.lines}
        return (len(self.lines), lengths.pop()) if len(lengths) == 1 else None


def poems(archive: Path) -> Iterator[Poem]:
    """Every poem, with nothing but its characters."""
    with tarfile.open(archive) as package:
        for member in package:
            if not _FILE.search(member.name):
                continue
            file = package.extractfile(member)
            for poem in json.load(file) if file else ():
                lines = [line for line in _MARKS.split("".join(poem["paragraphs"])) if line]
                yield Poem(poem["author"], poem["title"], tuple(lines))


def regulated(archive: Path) -> Iterator[Poem]:
    """Those of the size of a 绝句 or 律诗, whole and without a doubtful character."""
    for poem in poems(archive):
        if poem.size in {(4, 5), (4, 7), (8, 5), (8, 7)} and all(map(HAN.fullmatch, "".join(poem.lines))):
            yield poem


def counts(archive: Path) -> Counter[str]:
    """How often each character stands in a Tang poem."""
    return Counter(char for poem in poems(archive) for line in poem.lines for char in line)


def use(found: Iterator[Poem], tone: dict[str, set[str]]) -> dict[str, Counter[str]]:
    """Which tone each character has where metre shows it.

    The second, fourth and sixth character of a line alternate, and those of the next line answer them, so a neighbour
    of one sure tone shows that of the other. Poems in which two sure neighbours break this are left out.
    """
    shown: dict[str, Counter[str]] = {}
    for poem in found:
        pairs = list(_pairs(poem.lines))
        sure = [(a, b, same) for a, b, same in pairs if len(tone.get(a, ())) == len(tone.get(b, ())) == 1]
        if any((tone[a] == tone[b]) != same for a, b, same in sure):
            continue
        for a, b, same in pairs:
            for char, other in ((a, b), (b, a)):
                if len(tone.get(other, ())) == 1:
                    (heard,) = tone[other]
                    shown.setdefault(char, Counter())[heard if same else "平仄".replace(heard, "")] += 1
    return shown


def _pairs(lines: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Two characters whose tones metre ties together, and whether they are the same."""
    for line in lines:
        for at in range(1, len(line) - 3, 2):
            yield line[at], line[at + 2], False
    for number, (one, other) in enumerate(pairwise(lines)):
        yield one[1], other[1], number % 2 == 1
