"""Regulated verse (近体诗) as shapes: which tone stands where, and which rhyme ends which line.

A line is one of four kinds, and a poem goes through them in one order, begun at one of four places. The tables are
those of books.py. The checker (check.py) shares nothing with this module.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from inference.verse import asked, books, shape
from inference.verse.asked import Placed
from inference.verse.books import rhymes
from inference.verse.characters import LEANING
from inference.verse.held import Held
from inference.verse.options import FREE, Impossible, Options
from inference.verse.shape import NoSuchBeginning, Shape

# The last five places of each kind of line: 平, 仄, · for either, 韵 for the rhyme; and the two before them in a line
# of seven. The first place and the third of seven are free, but not where a lone 平 (孤平) would be left.
TAILS = {"a": "·仄平平仄", "A": "·仄仄平韵", "b": "·平平仄仄", "B": "平平·仄韵"}
HEADS = {"a": "·平", "A": "·平", "b": "·仄", "B": "·仄"}
STRICT = {
    "a": "平平仄仄平平仄",
    "A": "平平仄仄仄平韵",
    "b": "仄仄平平平仄仄",
    "B": "仄仄平平仄仄韵",
}  # no place is free
FALLS_INTO = {(TAILS["b"], 0): "夜"}  # 夜深人静处: one poem of eight lines in 25 had it, whatever was wished
RESCUED = "仄平平仄韵"  # 孤平拗救: how a line B of five that she begins with an oblique character makes it good
ORDER = "aBbA"  # as 对 and 粘 want the kinds to follow one another

# The kind of the first line for each opening, in lines of five and of seven; and how often Tang poets begin so.
OPENINGS = {
    5: {"平起不入韵": "b", "平起入韵": "B", "仄起不入韵": "a", "仄起入韵": "A"},
    7: {"平起不入韵": "a", "平起入韵": "A", "仄起不入韵": "b", "仄起入韵": "B"},
}
USUAL = {5: (32, 6, 47, 15), 7: (10, 38, 7, 45)}
MIXED = "支微佳灰元"  # rhymes that no longer sound like one
FEWEST, LEAST = 9, 3  # rhyme words that a line must have to choose from: in a rhyme that we choose, or that she does


@dataclass(frozen=True, slots=True)
class Tune:
    """What one poem is held to. `deal` says which rhyme words are for which line, so that none stands twice.

    `placed` is what she asked for by name (asked.py). A `bound` tune is no other one, whatever is written.
    """

    opening: str
    rhyme: str
    deal: int
    book: str = FREE.book
    strict: bool = False
    placed: tuple[tuple[int, int, str], ...] = ()
    bound: bool = False

    @classmethod
    def of(cls, held: Held) -> "Tune | None":
        """The tune of a stored constraint; None if it is from before there were tunes, or has none."""
        drawn, options = held.drawn, held.options
        if "opening" not in drawn:
            return None
        placed = tuple((line, at, text) for line, at, text in drawn.get("placed", ()))
        bound = bool(options.told().keys() - {"script"})
        return cls(drawn["opening"], drawn["rhyme"], drawn["deal"], options.book, options.strict, placed, bound)

    def drawn(self) -> dict[str, Any]:
        """As it is stored; the options stand beside it."""
        told = {name: value for name, value in asdict(self).items() if name in {"opening", "rhyme", "deal"}}
        return told | ({"placed": [list(each) for each in self.placed]} if self.placed else {})


def draw(lines: int, characters: int, wish: str, seed: str, options: Options = FREE) -> Tune:
    """A tune by chance, the likelier the more usual it is, the more words rhyme so and the more of them are wished.

    What she asks for by name stands in it. Raises `Impossible`.
    """
    dice = Random(seed)  # noqa: S311 - not a secret
    usual = dict(zip(OPENINGS[characters], USUAL[characters], strict=True))
    (opening,) = dice.choices(list(usual), list(usual.values()))
    weights = _weights(lines // 2 + 1, wish, options)
    (rhyme,) = dice.choices(list(weights), list(weights.values()))
    tune = Tune(opening, rhyme, dice.randrange(1 << 20), options.book, options.strict)
    if not (options.head or options.words or options.pins):
        return tune
    ways = [
        replace(tune, opening=begun, rhyme=rhymed)
        for rhymed in _order(weights, rhyme, dice)
        for begun in _order(usual, opening, dice)
    ]
    tune, placed = asked.first(ways, lambda way: _place(lines, characters, way, options, dice))
    return replace(tune, placed=tuple(placed))


def _weights(hands: int, wish: str, options: Options) -> dict[str, float]:
    """The rhymes that have words enough for so many lines, and how likely each is."""
    every, bare = rhymes(options.book), options.rhyme.strip("第部韵")  # she may write 东韵 or 一部
    asked_for = next((name for name in every if name.strip("第部") == bare), "") if bare else ""
    if options.rhyme and not asked_for:
        raise Impossible("rhyme", "unknown", options.rhyme)
    least = LEAST if asked_for or options.pins else FEWEST
    enough = {name: chars for name, chars in every.items() if len(chars) >= least * hands and asked_for in {"", name}}
    if not enough:
        raise Impossible("rhyme", "few", options.rhyme)
    return {
        name: len(chars) * (0.3 if name in MIXED else 1) * (1 + 2 * len(set(wish) & set(chars)))
        for name, chars in enough.items()
    }


def _order(weights: Mapping[str, float], drawn: str, dice: Random) -> list[str]:
    """What was drawn, and then the others by chance, the likelier the earlier."""
    others = sorted(weights, key=lambda name: dice.random() ** (1 / weights[name]), reverse=True)
    return [drawn, *(name for name in others if name != drawn)]


def _place(lines: int, characters: int, tune: Tune, options: Options, dice: Random) -> Placed:
    firsts = dict(enumerate(options.head)) | {line: text[:1] for line, text in options.pins}
    tones = _rows(lines, characters, tune, firsts)
    ends = [at for at, row in enumerate(tones) if row[-1] == "韵"]
    return asked.place(options, [characters] * lines, _fits(tones, characters, tune), dice, ends)


def _rows(lines: int, characters: int, tune: Tune, firsts: Mapping[int, str]) -> list[str]:
    """The tones of each line, of which some begin with what she asks for."""
    rows = [_tones(kind, characters, strict=tune.strict) for kind in _kinds(lines, characters, tune.opening)]
    for line, char in firsts.items():
        if not tune.strict and rows[line:] and rows[line] == TAILS["B"] and not _surely_level(char, tune.book):
            rows[line] = RESCUED
    return rows


def _surely_level(char: str, book: str) -> bool:
    return "仄" not in books.readings(book).get(char, "仄")


def _fits(tones: Sequence[str], characters: int, tune: Tune) -> Callable[[int, int, str], bool]:
    def fits(line: int, place: int, char: str) -> bool:
        tone = tones[line][place]
        if place < characters - 1:
            unknown = tones[line] == RESCUED and place == 0 and char not in books.readings(tune.book)
            return unknown or books.may_be(char, tone, tune.book)
        if char in LEANING:
            return False
        if tone == "韵":
            return tune.rhyme in books.readings(tune.book).get(char, ())
        return books.may_be(char, tone, tune.book) and char not in books.chimes(tune.book, tune.rhyme)

    return fits


def poem(lines: int, characters: int, tune: Tune, rhymed: Sequence[str] | None = None) -> Shape:
    """The shape of a whole poem in this tune. `rhymed` are its first rhyme words, if somebody else began it."""
    tones = _rows(lines, characters, tune, {line: text[0] for line, at, text in tune.placed if at == 0})
    rhyming = [at for at, row in enumerate(tones) if row[-1] == "韵"]
    said = dict(zip(rhyming, rhymed or (), strict=False)) | {
        line: text[-1] for line, at, text in tune.placed if line in rhyming and at + len(text) == characters
    }
    hands = _deal(tune, rhyming, said)
    rows = [_line(row, tune, hands.get(at, ""), doubtful=rhymed is not None) for at, row in enumerate(tones)]
    parts: list[Shape] = []
    for number, row in enumerate(asked.hold(asked.once(rows, tune.placed), tune.placed)):
        parts += row
        parts.append(shape.text("，\n" if number % 2 == 0 else "。\n" if number + 1 < lines else "。"))
    return shape.row(*parts)


def _line(tones: str, tune: Tune, hand: str, *, doubtful: bool = False) -> list[Shape]:
    """One line without its mark. `hand` are the words that may end it, if it rhymes."""
    worn = {} if doubtful else FALLS_INTO
    inside = [
        books.chars(tone, tune.book, doubtful=doubtful, without=worn.get((tones, place), ""))
        for place, tone in enumerate(tones[:-1])
    ]
    if tones[-1] == "韵":
        return [*inside, shape.one_of(hand)]
    return [*inside, books.chars(tones[-1], tune.book, against=tune.rhyme, doubtful=doubtful)]


def _tones(kind: str, characters: int, *, strict: bool = False) -> str:
    return STRICT[kind][-characters:] if strict else (HEADS[kind] if characters == 7 else "") + TAILS[kind]


def pattern(lines: int, characters: int, opening: str) -> tuple[str, ...]:
    """The tones of each line of a poem with this opening, as `TAILS` writes them."""
    return tuple(_tones(kind, characters) for kind in _kinds(lines, characters, opening))


def instead(lines: int, characters: int, tune: Tune, poem: Sequence[str], at: int) -> Shape:
    """Another line in the place of line `at` of a poem in this tune, without its mark; no rhyme word stands twice."""
    kept = asked.beside(tune.placed, at, characters)
    tones = _rows(lines, characters, tune, {line: text[0] for line, spot, text in kept if spot == 0})[at]
    ends = {line[characters - 1 : characters] for line in poem}
    line = _line(tones, tune, "".join(char for char in rhymes(tune.book)[tune.rhyme] if char not in ends))
    (line,) = asked.once([line], kept)
    return asked.another(asked.hold_line(line, kept, at), poem[at][:characters])


def tune_of(lines: int, characters: int, tune: Tune, text: str) -> Tune:
    """The tune that a finished poem is in: its own, or another if somebody else began it. Raises `NoSuchBeginning`."""
    rows = text.split("\n")
    own = replace(tune, placed=tuple(asked.standing(tune.placed, dict(enumerate(rows)))))
    for each in (own, *_others(tune, characters)):
        kinds = _kinds(lines, characters, each.opening)
        ends = [line[characters - 1 : characters] for line in rows]
        rhymed = [end for kind, end in zip(kinds, ends, strict=False) if kind.isupper()]
        if all(_rhymes(end, each) for end in rhymed):
            try:
                shape.follow(poem(lines, characters, each, rhymed), text)
            except NoSuchBeginning:
                continue
            return each
    raise NoSuchBeginning


def _rhymes(end: str, tune: Tune) -> bool:
    """Whether a word may end a line in this rhyme; what she asked for by name may by one of its readings."""
    asked_for = {char for _, _, text in tune.placed for char in text}
    return end in rhymes(tune.book)[tune.rhyme] or (end in asked_for and tune.rhyme in books.readings(tune.book)[end])


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
    for opening in OPENINGS[characters] if not tune.bound else ():
        for rhyme in rhymes():
            yield Tune(opening, rhyme, tune.deal)


def _kinds(lines: int, characters: int, opening: str) -> list[str]:
    """The kinds of a poem's lines."""
    first = OPENINGS[characters][opening]
    at = ORDER.index({"A": "a", "B": "b"}.get(first, first))
    return [first, *(ORDER[(at + number) % 4] for number in range(1, lines))]


def _deal(tune: Tune, rhyming: Sequence[int], said: Mapping[int, str]) -> dict[int, str]:
    """By line: its share of the rhyme words, or what is said."""
    chars = [char for char in rhymes(tune.book)[tune.rhyme] if char not in said.values()]
    dealt = shared_out(chars, len(rhyming), Random(tune.deal))  # noqa: S311 - not a secret
    return {line: said.get(line, hand) for line, hand in zip(rhyming, dealt, strict=True)}


def shared_out(chars: Sequence[str], hands: int, dice: Random) -> list[str]:
    """The characters dealt, the commonest first, so that each hand holds as many common ones as another."""
    dealt = [""] * hands
    for at in range(0, len(chars), hands):
        for hand, char in zip(dice.sample(range(hands), hands), chars[at : at + hands], strict=False):
            dealt[hand] += char
    return dealt
