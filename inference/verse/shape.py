"""Small regular shapes that know what may still come once a beginning is written.

A shape is a regular expression kept as a tree. `after` takes one character away from its front (Brzozowski's
derivative), `regex` writes the tree in the subset that llguidance, xgrammar and Python's `re` all read, `lark` as a
grammar that says the same and is quicker to read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

from inference.verse.counted import Counted, Rules, Words, rule


class NoSuchBeginning(ValueError):
    """No text of this shape begins like that."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of `members`."""

    members: frozenset[str]

    @property
    def pattern(self) -> str:
        """How a regular expression says so."""
        return _class(self.members)


@dataclass(frozen=True, slots=True)
class Run:
    """`part` from `least` to `most` times. `part` itself is never empty."""

    part: "Shape"
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Row:
    """One after the other; no parts is the empty text."""

    parts: tuple["Shape", ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """One of them; none of them is what nothing can match."""

    parts: tuple["Shape", ...] = ()


Shape: TypeAlias = Chars | Run | Row | Either | Counted
EMPTY, NOTHING = Row(), Either()


def one_of(members: str) -> Chars:
    """A character class."""
    return Chars(frozenset(members))


def text(words: str) -> Row:
    """Exactly these characters."""
    return Row(tuple(one_of(char) for char in words))


def row(*parts: Shape) -> Shape:
    """One after the other, without what is empty."""
    flat: list[Shape] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat.extend(part.parts if isinstance(part, Row) else (part,))
    return flat[0] if len(flat) == 1 else Row(tuple(flat))


def either(*parts: Shape) -> Shape:
    """One of them, each named once."""
    flat = dict.fromkeys(
        leaf for part in parts for leaf in (part.parts if isinstance(part, Either) else (part,)) if leaf != NOTHING
    )
    return next(iter(flat)) if len(flat) == 1 else Either(tuple(flat))


def run(part: Shape, least: int, most: int) -> Shape:
    """`part`, `least` to `most` times."""
    if most <= 0:
        return EMPTY
    return part if least == most == 1 else Run(part, max(0, least), most)


def maybe(*parts: Shape) -> Shape:
    """These, or not."""
    return run(row(*parts), 0, 1)


@cache
def may_end(shape: Shape) -> bool:
    """Whether the empty text has this shape."""
    match shape:
        case Chars():
            return False
        case Run(part, least, _):
            return least == 0 or may_end(part)
        case Row(parts):
            return all(map(may_end, parts))
        case Either(parts):
            return any(map(may_end, parts))
        case Counted():
            return shape.may_end()


def after(shape: Shape, char: str) -> Shape:
    """What may follow `char`."""
    match shape:
        case Chars(members):
            return EMPTY if char in members else NOTHING
        case Run(part, least, most):
            return row(after(part, char), run(part, least - 1, most - 1))
        case Row(parts):
            return either(*_heads(parts, char))
        case Either(parts):
            return either(*(after(part, char) for part in parts))
        case Counted():
            return _after_word(shape, char)


def _after_word(shape: Counted, char: str) -> Shape:
    """What follows; of a line that may end here, also nothing."""
    return either(*shape.after(char))


def _heads(parts: tuple[Shape, ...], char: str) -> Iterable[Shape]:
    """The ways `char` can begin a row: in the first part, or in a later one when those before it may be empty."""
    for place, part in enumerate(parts):
        yield row(after(part, char), *parts[place + 1 :])
        if not may_end(part):
            return


def heads(shape: Shape) -> frozenset[str]:
    """The characters that may come next."""
    return frozenset().union(*_classes(shape))


def _classes(shape: Shape) -> list[frozenset[str]]:
    """What may come next, by the part of the shape that it would begin."""
    match shape:
        case Chars(members):
            return [members]
        case Run(part, _, _):
            return _classes(part)
        case Row(parts):
            before = [part for place, part in enumerate(parts) if all(map(may_end, parts[:place]))]
            return [found for part in before for found in _classes(part)]
        case Either(parts):
            return [found for part in parts for found in _classes(part)]
        case Counted():
            return [shape.heads()]


def only(shape: Shape) -> str | None:
    """The one text of this shape, if it has no other."""
    match shape:
        case Chars(members):
            return min(members) if len(members) == 1 else None
        case Run(part, least, most):
            said = only(part) if least == most else None
            return None if said is None else said * least
        case Row(parts):
            return _only_row(parts)
        case Either(parts):
            ways = {only(part) for part in parts}
            return ways.pop() if len(ways) == 1 else None
        case Counted():
            return None


def _only_row(parts: tuple[Shape, ...]) -> str | None:
    left = ""
    for part in parts:
        said = only(part)
        if said is None:
            return None
        left += said
    return left


def unlike(shape: Shape, beginnings: Iterable[str]) -> Shape:
    """The texts of this shape that have none of these beginnings."""
    rests: dict[str, list[str]] = {}
    for beginning in sorted(beginnings):  # a set has another order in each process, and a text may go on in another
        if not beginning:
            return NOTHING
        rests.setdefault(beginning[0], []).append(beginning[1:])
    if not rests:
        return shape
    ways = [row(Chars(chars), after(shape, min(chars))) for chars in _alike(shape, heads(shape).difference(rests))]
    ways += [row(one_of(char), unlike(after(shape, char), rest)) for char, rest in rests.items()]
    return either(*ways, *([EMPTY] if may_end(shape) else []))


def _alike(shape: Shape, chars: frozenset[str]) -> list[frozenset[str]]:
    """The characters in groups: those of a group begin the same parts of the shape, so that the same may follow."""
    groups = [chars]
    for members in _classes(shape):
        groups = [part for group in groups for part in (group & members, group - members)]
    return sorted(filter(None, groups), key=min)


def follow(shape: Shape, written: str) -> Shape:
    """What may follow all of `written`."""
    for char in written:
        shape = after(shape, char)
    if shape == NOTHING:
        raise NoSuchBeginning
    return shape


@cache
def regex(shape: Shape) -> str:
    """The shape as a regular expression."""
    match shape:
        case Chars():
            return shape.pattern
        case Run(part, least, most):
            inner = regex(part) if isinstance(part, Chars) else f"(?:{regex(part)})"
            return inner + (
                "?" if (least, most) == (0, 1) else f"{{{least},{most}}}" if least < most else f"{{{most}}}"
            )
        case Row(parts):
            return "".join(f"(?:{regex(part)})" if isinstance(part, Either) else regex(part) for part in parts)
        case Either(parts):
            return "|".join(map(regex, parts))
        case Counted():
            return _loosely(shape)


def _loosely(shape: Counted) -> str:
    """No regular expression of a bearable length counts syllables: as many words as there may be, and no more said."""
    begun = ("[a-z']{0,13}" if shape.begun else "[A-Za-z][a-z']{0,13}") if not shape.due else ""
    first = begun or " [a-z][a-z']{0,13}"
    return f"{first}(?:[,;:]? [a-zI][a-z']{{0,13}}){{0,{max(0, shape.most - 1)}}}"


BIG = 64  # a class of more characters than this is named once in a grammar instead of being written out each time


def lark(shape: Shape) -> str:
    """The shape as a grammar for llguidance. It reads a class of thousands of characters once, not at every place."""
    sets: dict[str, str] = {}
    rules: Rules = {}
    text = _lark(shape, sets, rules)
    named = "".join(f"{name}: /{pattern}/\n" for pattern, name in sets.items())
    named += "".join(f"{name}: {body if isinstance(body, str) else _words(body)}\n" for name, body in rules.items())
    start = f"start: {text}" if rules else f"start: TEXT\nTEXT: {text}"
    return f"%llguidance {{}}\n{start}\n{named}"


@lru_cache(64)  # the large ones come again with every ask
def _words(words: Words) -> str:
    ways = (f"[{first.upper()}{first.lower()}]" if words.opening else first for first in words.by_first())
    rests = (_branches(tuple(rests)) for rests in words.by_first().values())
    return "/" + "|".join(way + rest for way, rest in zip(ways, rests, strict=True)) + "/"


def _branches(tails: tuple[str, ...]) -> str:
    """As a tree, so that what may follow a letter is a part of it: llguidance builds what it has not yet, and gives up
    at some number of such expressions in the middle of a text.
    """
    by_first = Words(tuple(filter(None, tails))).by_first()
    ways = [first + _branches(tuple(rests)) for first, rests in by_first.items()]
    if not ways:
        return ""
    said = ways[0] if len(ways) == 1 and len(ways[0]) == 1 else f"(?:{'|'.join(ways)})"
    if "" in tails:
        return f"{said}?"
    return ways[0] if len(ways) == 1 else said


def _lark(shape: Shape, sets: dict[str, str], rules: Rules) -> str:
    match shape:
        case Chars(members):
            return sets.setdefault(shape.pattern, f"SET{len(sets)}") if len(members) > BIG else f"/{shape.pattern}/"
        case Run(part, least, most):
            return f"({_lark(part, sets, rules)}){{{least},{most}}}"
        case Row(parts):
            return " ".join(_lark(part, sets, rules) for part in parts)
        case Either(parts):
            some = " | ".join(_lark(part, sets, rules) for part in parts if part != EMPTY)
            return f"({some})" + ("?" if EMPTY in parts else "")
        case Counted():
            return rule(shape, rules)


@lru_cache(1024)  # most classes of a shape are never written; those that are, again and again
def _class(members: frozenset[str]) -> str:
    if len(members) == 1:
        return _escape(*members)
    ranges: list[list[str]] = []
    for char in sorted(members):
        if ranges and ord(char) == ord(ranges[-1][1]) + 1:
            ranges[-1][1] = char
        else:
            ranges.append([char, char])
    return "[" + "".join(_span(first, last) for first, last in ranges) + "]"


def _span(first: str, last: str) -> str:
    between = "-" if ord(last) - ord(first) > 1 else ""
    return _escape(first) + (between + _escape(last) if first != last else "")


def _escape(char: str) -> str:
    return "\\n" if char == "\n" else "/" if char == "/" else re.escape(char) if char in r"\[](){}.*+?^$|-" else char
