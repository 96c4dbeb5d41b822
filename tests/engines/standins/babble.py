"""Texts of a shape that is known by its regular expression alone, as an engine knows it; in the poet's words."""

import random
import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from inference.engines.fake import poet

LIKED = frozenset(poet.HAN) | frozenset("aeinorst")
MOST = 40  # times that a part is repeated which may be repeated more often
_TOKEN = re.compile(r" ?[A-Za-z'-]+|.", re.DOTALL)


def text_of(pattern: str, dice: random.Random) -> str:
    """A text that the whole pattern matches."""
    return "".join(_walk(parser.parse(pattern), dice))


def tokens_of(text: str) -> list[str]:
    """The text in pieces: a Han character, or a word with the space before it, at a time."""
    return _TOKEN.findall(text)


def _walk(parts: Any, dice: random.Random) -> Iterator[str]:
    for kind, said in parts:
        match kind:
            case kinds.LITERAL:
                yield chr(said)
            case kinds.IN:
                yield _one_of(said, dice)
            case kinds.MAX_REPEAT:
                least, most, part = said
                for _ in range(dice.randint(least, min(int(most), max(least, MOST)))):
                    yield from _walk(part, dice)
            case kinds.BRANCH:
                yield from _walk(dice.choice(said[1]), dice)
            case kinds.SUBPATTERN:
                yield from _walk(said[3], dice)
            case _:
                raise ValueError(f"a shape has no {kind}")


def _one_of(members: Any, dice: random.Random) -> str:
    ranges = [(said, said) if kind is kinds.LITERAL else said for kind, said in members]
    every = [chr(code) for first, last in ranges for code in range(first, last + 1)]
    return dice.choice([char for char in every if char in LIKED] or every)
