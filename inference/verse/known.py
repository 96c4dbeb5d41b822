"""出处: whether a line was written long ago, and by whom. Looks in 9,000 poems of Tang and Song that people look for.

A line counts as known if it stands there, or with one character other. What does not stand there may still be old: the
table is a small part of what there is.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

SHORTEST = 5  # characters; shorter lines are alike by chance
_NO_WORD = re.compile(r"[^㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line stands; `line` is how it reads there."""

    author: str
    title: str
    line: str


def source(text: str) -> Source | None:
    """The source of a line; the first one of a line with several parts that has one."""
    return next((found for part in _parts(text) if (found := _exact().get(part) or _nearly(part))), None)


def _parts(text: str) -> Iterator[str]:
    return (part for part in _NO_WORD.split(text) if len(part) >= SHORTEST)


@cache
def _exact() -> dict[str, Source]:
    found: dict[str, Source] = {}
    table = (resources.files("inference.verse") / "data" / "known.txt").read_text("utf-8")
    for row in table.splitlines():
        if not row.startswith("#"):
            author, title, lines = row.split("\t")
            for line in lines.split("/"):
                if len(line) >= SHORTEST:
                    found.setdefault(line, Source(author, title, line))
    return found


@cache
def _halves() -> dict[tuple[int, bool, str], list[str]]:
    """Lines by length and half: of a line with one character other, one half is as it was."""
    found: dict[tuple[int, bool, str], list[str]] = defaultdict(list)
    for line in _exact():
        for key in _keys(line):
            found[key].append(line)
    return found


def _keys(line: str) -> tuple[tuple[int, bool, str], tuple[int, bool, str]]:
    middle = len(line) // 2
    return (len(line), False, line[:middle]), (len(line), True, line[middle:])


def _nearly(line: str) -> Source | None:
    near = (other for key in _keys(line) for other in _halves().get(key, ()))
    return next((_exact()[other] for other in near if _apart(line, other) == 1), None)


def _apart(one: str, other: str) -> int:
    return sum(char != there for char, there in zip(one, other, strict=True))
