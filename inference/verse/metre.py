"""Regulated verse (近体诗) as shapes: which tone stands where, and which rhyme ends which line.

A line is one of four kinds, and a poem goes through them in one order, begun at one of four places. The table is
data/pingshui.txt. The checker (check.py) shares nothing with this module.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import zip_longest
from random import Random
from typing import Any

from inference.verse import shape
from inference.verse.characters import LEANING
from inference.verse.shape import NoSuchBeginning, Shape

# The last five places of each kind of line: 平, 仄, · for either, 韵 for the rhyme; and the two before them in a line
# of seven. The first place and the third of seven are free, but not where a lone 平 (孤平) would be left.
TAILS = {"a": "·仄平平仄", "A": "·仄仄平韵", "b": "·平平仄仄", "B": "平平·仄韵"}
HEADS = {"a": "·平", "A": "·平", "b": "·仄", "B": "·仄"}
ORDER = "aBbA"  # as 对 and 粘 want the kinds to follow one another

# The kind of the first line for each opening, in lines of five and of seven; and how often Tang poets begin so.
OPENINGS = {
    5: {"平起不入韵": "b", "平起入韵": "B", "仄起不入韵": "a", "仄起入韵": "A"},
    7: {"平起不入韵": "a", "平起入韵": "A", "仄起不入韵": "b", "仄起入韵": "B"},
}
USUAL = {5: (32, 6, 47, 15), 7: (10, 38, 7, 45)}
MIXED = "支微佳灰元"  # rhymes that no longer sound like one
MODERN = "的们么这您她它很把呀"  # in verse of old a character, in a modern model a habit
FEWEST = 9  # rhyme words that a line must have to choose from


@dataclass(frozen=True, slots=True)
class Tune:
    """What one poem is held to. `deal` says which rhyme words are for which line, so that none stands twice."""

    opening: str
    rhyme: str
    deal: int

    @classmethod
    def of(cls, constraint: Mapping[str, Any]) -> "Tune | None":
        """The tune in a stored constraint; None if it is from before there were tunes, or has none."""
        if "opening" not in constraint:
            return None
        return cls(constraint["opening"], constraint["rhyme"], constraint["deal"])


@cache
def _rows() -> dict[str, str]:
    """The rows of the table: a level rhyme, 仄, or what may not end a line; its characters, the commonest first."""
    text = (resources.files("inference.verse") / "data" / "pingshui.txt").read_text("utf-8")
    rows = [row.partition("\t") for row in text.splitlines() if not row.startswith("#")]
    return {name: "".join(char for char in chars if char not in MODERN) for name, _, chars in rows}


@cache
def _readings() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, chars in _rows().items():
        for char in chars if len(name) == 1 and name != "疑" else "":
            found[char].add(name)
    return found


@cache
def rhymes() -> dict[str, str]:
    """The characters that may end a line in each level rhyme, the commonest first: those with no other reading."""
    return {
        name: "".join(char for char in chars if _readings()[char] == {name} and char not in LEANING)
        for name, chars in _rows().items()
        if len(name) == 1 and name not in "仄疑"
    }


@cache
def _chars(tone: str, *, against: str = "", doubtful: bool = False) -> Shape:
    """The characters for a place of this tone. One with both tones stands only where either may, or if `doubtful`.

    `against` is the rhyme that the end of a line must not chime with (撞韵); empty inside a line.
    """
    fits = {
        "平": [char for char, has in _readings().items() if (has != {"仄"} if doubtful else "仄" not in has)],
        "仄": [char for char, has in _readings().items() if ("仄" in has if doubtful else has == {"仄"})],
        "·": list(_readings()),
    }[tone]
    never = LEANING + _rows()["疑"] + _rows()[f"撞{against}"] if against else ""
    return shape.one_of("".join(char for char in fits if char not in never))


def draw(lines: int, characters: int, wish: str, seed: str) -> Tune:
    """A tune by chance, the likelier the more usual it is, the more words rhyme so and the more of them are wished."""
    dice = Random(seed)  # noqa: S311 - not a secret
    (opening,) = dice.choices(list(OPENINGS[characters]), USUAL[characters])
    enough = {name: chars for name, chars in rhymes().items() if len(chars) >= FEWEST * (lines // 2 + 1)}
    weights = [
        len(chars) * (0.3 if name in MIXED else 1) * (1 + 2 * len(set(wish) & set(chars)))
        for name, chars in enough.items()
    ]
    (rhyme,) = dice.choices(list(enough), weights)
    return Tune(opening, rhyme, dice.randrange(1 << 20))


def poem(lines: int, characters: int, tune: Tune, rhymed: Sequence[str] | None = None) -> Shape:
    """The shape of a whole poem in this tune. `rhymed` are its first rhyme words, if somebody else began it."""
    kinds = _kinds(lines, characters, tune.opening)
    hands = iter(_deal(tune, sum(kind.isupper() for kind in kinds), rhymed or ()))
    parts: list[Shape] = []
    for number, kind in enumerate(kinds):
        hand = next(hands) if kind.isupper() else ""
        parts.append(_line(kind, characters, tune.rhyme, hand, doubtful=rhymed is not None))
        parts.append(shape.text("，\n" if number % 2 == 0 else "。\n" if number + 1 < lines else "。"))
    return shape.row(*parts)


def _line(kind: str, characters: int, rhyme: str, hand: str, *, doubtful: bool = False) -> Shape:
    """One line without its mark. `hand` are the words that may end it, if its kind rhymes."""
    tones = _tones(kind, characters)
    end = shape.one_of(hand) if tones[-1] == "韵" else _chars(tones[-1], against=rhyme, doubtful=doubtful)
    return shape.row(*(_chars(tone, doubtful=doubtful) for tone in tones[:-1]), end)


def _tones(kind: str, characters: int) -> str:
    return (HEADS[kind] if characters == 7 else "") + TAILS[kind]


def pattern(lines: int, characters: int, opening: str) -> tuple[str, ...]:
    """The tones of each line of a poem with this opening, as `TAILS` writes them."""
    return tuple(_tones(kind, characters) for kind in _kinds(lines, characters, opening))


def instead(lines: int, characters: int, tune: Tune, poem: Sequence[str], at: int) -> Shape:
    """Another line in the place of line `at` of a poem in this tune, without its mark; no rhyme word stands twice."""
    kind = _kinds(lines, characters, tune.opening)[at]
    ends = {line[characters - 1 : characters] for line in poem}
    return _line(kind, characters, tune.rhyme, "".join(char for char in rhymes()[tune.rhyme] if char not in ends))


def tune_of(lines: int, characters: int, tune: Tune, text: str) -> Tune:
    """The tune that a finished poem is in: its own, or another if somebody else began it. Raises `NoSuchBeginning`."""
    for each in (tune, *_others(tune, characters)):
        kinds = _kinds(lines, characters, each.opening)
        ends = [line[characters - 1 : characters] for line in text.split("\n")]
        rhymed = [end for kind, end in zip(kinds, ends, strict=False) if kind.isupper()]
        if set(rhymed) <= set(rhymes()[each.rhyme]):
            try:
                shape.follow(poem(lines, characters, each, rhymed), text)
            except NoSuchBeginning:
                continue
            return each
    raise NoSuchBeginning


def follow(lines: int, characters: int, tune: Tune, written: str) -> Shape:
    """What may follow `written` in this tune, or in another one if that is how it begins. Raises `NoSuchBeginning`."""
    try:
        return shape.follow(poem(lines, characters, tune), written)
    except NoSuchBeginning:
        for other in _others(tune, characters):
            ends = [line[characters - 1 : characters] for line in written.split("\n")]
            kinds = _kinds(lines, characters, other.opening)
            rhymed = [end for kind, end in zip(kinds, ends, strict=False) if kind.isupper() and end]
            if set(rhymed) <= set(rhymes()[other.rhyme]) and len(rhymed) == len(set(rhymed)):
                try:
                    return shape.follow(poem(lines, characters, other, rhymed), written)
                except NoSuchBeginning:
                    continue
        raise


def _others(tune: Tune, characters: int) -> Iterator[Tune]:
    for opening in OPENINGS[characters]:
        for rhyme in rhymes():
            yield Tune(opening, rhyme, tune.deal)


def _kinds(lines: int, characters: int, opening: str) -> list[str]:
    """The kinds of a poem's lines."""
    first = OPENINGS[characters][opening]
    at = ORDER.index({"A": "a", "B": "b"}.get(first, first))
    return [first, *(ORDER[(at + number) % 4] for number in range(1, lines))]


def _deal(tune: Tune, hands: int, rhymed: Sequence[str]) -> list[str]:
    """The rhyme words, shared out so that each line has as many common ones as another."""
    chars = [char for char in rhymes()[tune.rhyme] if char not in rhymed]
    dice = Random(tune.deal)  # noqa: S311 - not a secret
    dealt: list[list[str]] = [[] for _ in range(hands)]
    for at in range(0, len(chars), hands):
        for hand, char in zip(dice.sample(range(hands), hands), chars[at : at + hands], strict=False):
            dealt[hand].append(char)
    return ["".join(hand) if said is None else said for hand, said in zip_longest(dealt, rhymed)]
