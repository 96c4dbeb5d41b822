"""Lines of old on disk, for look-up in microseconds with next to no memory: a file that is mapped and searched.

A file holds, for each line length, its lines in order of their characters, two bytes each, with the number of a poem;
and which of them comes when where they are ordered from their ends. Of a line with one character other, what stands
before that character is a prefix in the first order, or what stands after it in the second. `inference.corpus` writes
such a file.
"""

import json
import mmap
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"bailu lines 1\n"
SHORTEST, LONGEST = 5, 16  # characters; shorter lines are alike by chance, longer ones are prose
NEAR = 7  # characters from which on a line that is alike but for one is so on purpose; shorter ones of famous poems are
NUMBER = 4  # bytes of a poem's number, or of a place in an order
FAMOUS = 1 << 31  # set in the number of a poem that people look for
LOST = "\u3013"  # stands for a character that two bytes cannot hold
_AFTER_ALL = b"\xff\xff"


def encode(line: str) -> bytes:
    """Two bytes a character, in an order that bytes have too."""
    return "".join(char if ord(char) < 1 << 16 else LOST for char in line).encode("utf-16-be")


@dataclass(frozen=True, slots=True)
class Place:
    """A line as it reads there, and its poem."""

    line: str
    poem: int
    famous: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of one length: how many, where they begin in the file, and where their other order does."""

    count: int
    lines: int
    ends: int


class Lines:
    """Poems are numbered so that of two with the same line the lower one is its source."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError if this is no such file."""
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._bytes[: len(MAGIC)] != MAGIC:
            raise ValueError(f"{path} is no index of lines")
        size = int.from_bytes(self._bytes[len(MAGIC) : len(MAGIC) + NUMBER], "big")
        start = len(MAGIC) + NUMBER
        head, base = json.loads(self._bytes[start : start + size]), start + size
        self._sections = {
            int(length): Section(count, base + lines, base + ends)
            for length, (count, lines, ends) in head["sections"].items()
        }
        self._poems: int = base + head["poems"]
        self._names: int = base + head["names"]

    def __len__(self) -> int:
        return sum(section.count for section in self._sections.values())

    def exact(self, line: str) -> Place | None:
        text = encode(line)
        at = self._first(len(line), text, backwards=False)
        found = self._record(len(line), at, backwards=False)
        return found if found and found.line.encode("utf-16-be") == text else None

    def near(self, line: str) -> Place | None:
        """The source of a line that differs from this one in one character; of several the best known."""
        found = (place for at in range(len(line)) for place in self._but(line, at))
        enough = (place for place in found if place.famous or len(line) >= NEAR)
        return min(enough, key=lambda place: (not place.famous, place.poem), default=None)

    def poem(self, number: int) -> tuple[str, str, str]:
        """Its dynasty, author and title."""
        start, end = (self._number(self._poems, number + step) for step in (0, 1))
        dynasty, author, title = self._bytes[self._names + start : self._names + end].decode().split("\t")
        return dynasty, author, title

    def _but(self, line: str, at: int) -> Iterator[Place]:
        """Lines that are as this one but for the character at `at`."""
        length = len(line)
        before, after = line[:at], line[at + 1 :]
        ways = [(self._span(length, encode(before), backwards=False), False)] if at >= length // 2 else []
        ways += [(self._span(length, encode(after[::-1]), backwards=True), True)] if at <= length // 2 else []
        span, backwards = min(ways, key=lambda way: len(way[0]))
        for each in span:
            found = self._record(length, each, backwards=backwards)
            if found and found.line != line and found.line[:at] == before and found.line[at + 1 :] == after:
                yield found

    def _span(self, length: int, start: bytes, *, backwards: bool) -> range:
        """Where the lines are that begin so, or read backwards begin so."""
        first = self._first(length, start, backwards=backwards)
        return range(first, self._first(length, start + _AFTER_ALL, backwards=backwards))

    def _first(self, length: int, text: bytes, *, backwards: bool) -> int:
        section = self._sections.get(length)
        if section is None:
            return 0
        return bisect_left(
            range(section.count), text, key=lambda at: self._text(section, length, at, backwards=backwards)
        )

    def _text(self, section: Section, length: int, at: int, *, backwards: bool) -> bytes:
        where = section.lines + (self._number(section.ends, at) if backwards else at) * (2 * length + NUMBER)
        text = self._bytes[where : where + 2 * length]
        return _turned(text) if backwards else text

    def _record(self, length: int, at: int, *, backwards: bool) -> Place | None:
        section = self._sections.get(length)
        if section is None or at >= section.count:
            return None
        where = section.lines + (self._number(section.ends, at) if backwards else at) * (2 * length + NUMBER)
        end = where + 2 * length
        poem = int.from_bytes(self._bytes[end : end + NUMBER], "big")
        return Place(self._bytes[where:end].decode("utf-16-be"), poem & (FAMOUS - 1), bool(poem & FAMOUS))

    def _number(self, base: int, at: int) -> int:
        return int.from_bytes(self._bytes[base + NUMBER * at : base + NUMBER * (at + 1)], "big")


def _turned(text: bytes) -> bytes:
    """The characters from last to first."""
    turned = array("H", text)
    turned.reverse()
    return turned.tobytes()
