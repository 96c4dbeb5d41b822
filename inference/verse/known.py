"""出处: whether a line was written long ago, and by whom.

Looks in the index of all poems of the package chinese-poetry once it stands (`python -m inference.corpus`), and until
then in data/known.txt, the 9,000 poems of Tang and Song that people look for. A line counts as known if it is there;
with one character other if it has seven characters or more, or if its poem is one of those that people look for: of
2.8 million lines some short one is always alike. So it does if such a line stands inside it as it was, seven characters
of it or five of a poem that people look for: not every line is written with the marks of its source.
"""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path

from inference.verse.folding import fold
from inference.verse.lines import NEAR, SHORTEST, Lines, Place

INDEX = "poems-2.0.1.lines"  # in MODEL_CACHE
_NO_WORD = re.compile(r"[^㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line stands; `line` is how it reads there, in simplified characters."""

    author: str
    title: str
    line: str
    dynasty: str = ""


def source(text: str) -> Source | None:
    """The source of a line; the first one of a line with several parts that has one."""
    index = _index(index_path())
    look = _at_hand if index is None else partial(_indexed, index)
    return next((found for part in _parts(text) if (found := look(part))), None)


def index_path() -> Path:
    return Path(os.environ.get("MODEL_CACHE", "").strip() or "~/.cache/bailu/models").expanduser() / INDEX


def _parts(text: str) -> Iterator[str]:
    return (part for part in _NO_WORD.split(fold(text)) if len(part) >= SHORTEST)


def _within(line: str, source_of: Callable[[str], Source | None]) -> Source | None:
    """The source of a line that stands inside a longer one, the longer of them first."""
    pieces = (
        line[at : at + size] for size in (NEAR, SHORTEST) if size < len(line) for at in range(len(line) - size + 1)
    )
    return next((found for piece in pieces if (found := source_of(piece))), None)


# --- all poems, from the index ---------------------------------------------------------------------------------------
_open: dict[Path, Lines] = {}


def _index(path: Path) -> Lines | None:
    """Opened once it is there, which may be while we run."""
    if path not in _open and path.exists():
        try:
            _open[path] = Lines(path)
        except (OSError, ValueError):
            log.exception("%s cannot be read; remove it and run `make poems`", path)
            return None
    return _open.get(path)


def _indexed(index: Lines, line: str) -> Source | None:
    return _told(index, index.exact(line) or index.near(line)) or _within(line, partial(_piece, index))


def _piece(index: Lines, piece: str) -> Source | None:
    place = index.exact(piece)
    return _told(index, place) if place and (place.famous or len(piece) >= NEAR) else None


def _told(index: Lines, place: Place | None) -> Source | None:
    if place is None:
        return None
    dynasty, author, title = index.poem(place.poem)
    return Source(author, title, place.line, dynasty)


# --- the poems at hand -----------------------------------------------------------------------------------------------
def _at_hand(line: str) -> Source | None:
    return _exact().get(line) or _nearly(line) or _within(line, _exact().get)


@cache
def _exact() -> dict[str, Source]:
    log.info("lines are looked up in the 9,000 poems at hand; `make poems` fetches all")
    found: dict[str, Source] = {}
    table = (resources.files("inference.verse") / "data" / "known.txt").read_text("utf-8")
    for row in table.splitlines():
        if not row.startswith("#"):
            dynasty, author, title, lines = row.split("\t")
            for line in lines.split("/"):
                if len(line) >= SHORTEST:
                    found.setdefault(line, Source(author, title, line, dynasty))
    return found


@cache
def _halves() -> dict[tuple[int, bool, str], Sequence[str]]:
    """Lines by length and half: of a line with one character other, one half is as it was."""
    found: dict[tuple[int, bool, str], list[str]] = defaultdict(list)
    for line in _exact():
        for key in _keys(line):
            found[key].append(line)
    return dict(found)


def _keys(line: str) -> tuple[tuple[int, bool, str], tuple[int, bool, str]]:
    middle = len(line) // 2
    return (len(line), False, line[:middle]), (len(line), True, line[middle:])


def _nearly(line: str) -> Source | None:
    near = (other for key in _keys(line) for other in _halves().get(key, ()))
    return next((_exact()[other] for other in near if _apart(line, other) == 1), None)


def _apart(one: str, other: str) -> int:
    return sum(char != there for char, there in zip(one, other, strict=True))
