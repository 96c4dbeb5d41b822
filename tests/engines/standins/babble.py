"""Texts of a shape that is known as an engine knows it, by a regular expression or a grammar; in the poet's words."""

import random
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

from inference.engines.fake import poet

LIKED = frozenset(poet.HAN) | frozenset("aeinorst")
MOST = 40  # times that a part is repeated which may be repeated more often
_TOKEN = re.compile(r" ?[A-Za-z'-]+|.", re.DOTALL)
_MARK = re.compile(r"\[(?:\\.|[^\]])*\]|\w+|.", re.DOTALL)
Dice: TypeAlias = random.Random
Saying: TypeAlias = Callable[[Dice], Iterator[str]]


def text_of(pattern: str, dice: Dice) -> str:
    """A text that the whole pattern matches."""
    return "".join(_read(pattern)(dice))


def pattern_of(grammar: str) -> str:
    """A grammar of ours as a regular expression. Its rules but the root are classes of characters."""
    rules = dict(line.split(" ::= ") for line in grammar.rstrip("\n").split("\n"))
    marks = _MARK.findall(rules["root"])
    return "".join(rules.get(mark, mark) for mark in marks if mark not in {" ", '"'})


def tokens_of(text: str) -> list[str]:
    """The text in pieces: a Han character, or a word with the space before it, at a time."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=64)
def _read(pattern: str) -> Saying:
    return _row(parser.parse(pattern))


def _row(parts: Any) -> Saying:
    sayings = [_part(kind, said) for kind, said in parts]
    return lambda dice: (text for saying in sayings for text in saying(dice))


def _part(kind: Any, said: Any) -> Saying:
    match kind:
        case kinds.LITERAL:
            return lambda _: iter(chr(said))
        case kinds.IN:
            return _one_of(said)
        case kinds.MAX_REPEAT:
            return _repeated(said[0], min(int(said[1]), max(said[0], MOST)), _row(said[2]))
        case kinds.BRANCH:
            ways = [_row(way) for way in said[1]]
            return lambda dice: dice.choice(ways)(dice)
        case kinds.SUBPATTERN:
            return _row(said[3])
        case _:
            raise ValueError(f"a shape has no {kind}")


def _repeated(least: int, most: int, part: Saying) -> Saying:
    return lambda dice: (text for _ in range(dice.randint(least, most)) for text in part(dice))


def _one_of(members: Any) -> Saying:
    ranges = [(said, said) if kind is kinds.LITERAL else said for kind, said in members]
    every = [chr(code) for first, last in ranges for code in range(first, last + 1)]
    liked = [char for char in every if char in LIKED] or every
    return lambda dice: iter(dice.choice(liked))
