"""Haiku, couplet, quatrain and limerick in English: lines of so many syllables, and the rhymes that a form wants.

Stress is left to the model; syllables and rhymes are not. `english_check.py` judges, from another table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from string import ascii_lowercase
from typing import Any

from inference.verse import counted, shape
from inference.verse.counted import Counted
from inference.verse.english_check import judge
from inference.verse.held import Held
from inference.verse.options import Impossible
from inference.verse.shape import NoSuchBeginning, Shape

MARKS = ",.;:?"


@dataclass(frozen=True, slots=True)
class Plan:
    """For each line its fewest and most syllables; and the ways its ends may rhyme, a letter a line, · for none."""

    lines: tuple[tuple[int, int], ...]
    schemes: tuple[str, ...]


PLANS = {
    "haiku": Plan(((5, 5), (7, 7), (5, 5)), ("···",)),
    "couplet": Plan(((8, 10), (8, 10)), ("aa",)),
    "quatrain": Plan(((7, 9),) * 4, ("abab", "aabb")),
    "limerick": Plan(((8, 9), (8, 9), (5, 6), (5, 6), (8, 9)), ("aabba",)),
}
FEWEST = 8  # words that a line must have to end in
COMMON = 200  # of more a hand is not made: the commonest of a rhyme are enough


def draw(held: Held, wish: str, seed: str) -> dict[str, Any]:
    """A scheme and its rhymes, and where wished words stand. Raises `Impossible`.

    The more of a rhyme's words are in the wish, the likelier it is; lines that stay have theirs already.
    """
    _count(held.options.head, PLANS[held.form])
    _check_pins(held)
    drawn = _draw(held, wish, Random(seed))  # noqa: S311 - not a secret
    _check_heads(replace(held, drawn=drawn))
    return drawn


def _draw(held: Held, wish: str, dice: Random) -> dict[str, Any]:
    pins = dict(held.options.pins)
    schemes = list(PLANS[held.form].schemes)
    dice.shuffle(schemes)
    for scheme in schemes:
        kept = _kept(scheme, pins)
        if kept is not None:
            words = _places(held, scheme, pins, dice)
            rhymes = _rhymes(scheme, kept, wish, dice)
            return {"scheme": scheme, "rhymes": rhymes, "deal": dice.randrange(1 << 20), "words": words}
    raise Impossible("pins", "crowded", next(iter(pins.values())))


def _count(head: str, plan: Plan) -> None:
    if head and len(head) != len(plan.lines):
        raise Impossible("head", "count", str(len(plan.lines)))
    if strange := next((letter for letter in head if letter.lower() not in ascii_lowercase), ""):
        raise Impossible("head", "letter", strange)


def _check_pins(held: Held) -> None:
    """A line that stays has the syllables of its place, in words that we know: what goes on is no longer than a line.

    What it rhymes with is asked later; a word that leans on the next may end it only where it rhymes.
    """
    plan = PLANS[held.form]
    for at, text in held.options.pins:
        least, most = plan.lines[at]
        size = Counted(least, most, starts=held.options.head[at : at + 1].lower(), leaning=plan.schemes[0][at] != "·")
        try:
            fits = shape.may_end(shape.follow(size, text))
        except NoSuchBeginning:
            fits = False
        if not fits:
            raise Impossible("pins", "form", text)


def _check_heads(held: Held) -> None:
    """Whether some line can begin with each of the heads, beside the words that were placed there."""
    hands = _hands(held)
    for at, head in enumerate(held.options.head):
        if not shape.heads(_line(held, at, hands[at])):
            raise Impossible("head", "word", head)


def _kept(scheme: str, pins: dict[int, str]) -> dict[str, str] | None:
    """The rhyme of each letter of which a line stays; None if those lines do not rhyme so."""
    kept: dict[str, str] = {}
    for at, line in pins.items():
        letter = scheme[at]
        if letter != "·":
            rhymed = {name for name, words in counted.rhymes().items() if _last(line) in words}
            name = next(iter(rhymed), "")
            if not name or kept.setdefault(letter, name) != name:
                return None
    return kept


def _rhymes(scheme: str, kept: dict[str, str], wish: str, dice: Random) -> list[str]:
    wished = set(wish.lower().split())
    rooms = {name: words for name, words in counted.rhymes().items() if len(words) >= FEWEST * 3}
    weights = {name: min(len(words), COMMON) * (1 + 4 * len(wished & set(words))) for name, words in rooms.items()}
    for name in kept.values():
        weights.pop(name, None)
    drawn: list[str] = []
    for letter in sorted(set(scheme) - {"·"}):
        name = kept.get(letter) or dice.choices(list(weights), list(weights.values()))[0]
        weights.pop(name, None)
        drawn.append(name)
    return drawn


def _places(held: Held, scheme: str, pins: dict[int, str], dice: Random) -> list[tuple[int, int, str]]:
    """Line, syllables before it and the word, for each word that has to stand somewhere: one a line, inside it."""
    free = [at for at in range(len(scheme)) if at not in pins]
    dice.shuffle(free)
    placed: list[tuple[int, int, str]] = []
    for word in held.options.words:
        count = counted.syllables().get(word.lower())
        if count is None:
            raise Impossible("words", "unheard", word)
        roomy = [at for at, (least, _) in enumerate(PLANS[held.form].lines) if count + 2 <= least]  # it stands inside
        if not roomy:
            raise Impossible("words", "long", word)
        fitting = [at for at in free if at in roomy]
        if not fitting:
            raise Impossible("words", "crowded", word)
        free.remove(fitting[0])
        room = PLANS[held.form].lines[fitting[0]][0] - count - 1
        placed.append((fitting[0], dice.randint(1, room), word.lower()))
    return placed


def follow(held: Held, written: str) -> Shape:
    return shape.follow(poem(held), written)


def instead(held: Held, poem: str, at: int) -> Shape:
    lines = poem.split("\n")
    rhymed = [_last(line) for line in lines]
    hand = _hands(held, rhymed)[at]
    others = tuple(word for word in hand if word not in rhymed)
    mark = lines[at][len(lines[at].rstrip(MARKS)) :]
    if len(lines) != len(PLANS[held.form].lines) or (hand and not others):
        raise NoSuchBeginning
    other = "" if held.options.head else lines[at][:1].lower()
    return shape.row(_line(_unpinned(held, at), at, others, other=other), shape.text(mark))


def _unpinned(held: Held, at: int) -> Held:
    """A line that stayed once may be swapped like any other."""
    pins = tuple(pin for pin in held.options.pins if pin[0] != at)
    return replace(held, options=replace(held.options, pins=pins))


def poem(held: Held) -> Shape:
    """The whole poem."""
    lines = [_line(held, at, hand) for at, hand in enumerate(_hands(held))]
    parts = [part for line in lines for part in (line, shape.maybe(shape.one_of(MARKS)), shape.text("\n"))]
    return shape.row(*parts[:-1])


def _line(held: Held, at: int, hand: tuple[str, ...], *, other: str = "") -> Shape:
    """One line without its mark: as it stays, or with what has to stand in it. `other` is how it may not begin."""
    if kept := dict(held.options.pins).get(at):
        return shape.text(kept)
    least, most = PLANS[held.form].lines[at]
    starts = held.options.head[at : at + 1].lower() or ("".join(set(ascii_lowercase) - {other}) if other else "")
    starts = "".join(sorted(starts))
    for line, before, word in held.drawn.get("words", ()):
        if line == at:
            used = before + counted.syllables()[word]
            rest = Counted(least - used, most - used, hand, opening=False)
            return shape.row(Counted(before, before, starts=starts, leaning=True), shape.text(f" {word} "), rest)
    return Counted(least, most, hand, starts=starts)


def _hands(held: Held, rhymed: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """The words that may end each line: those of its rhyme, shared out so that none stands twice; none is any.

    With `rhymed`, the ends of a whole poem, each line may have all words of its rhyme.
    """
    scheme, names = held.drawn.get("scheme", ""), held.drawn.get("rhymes", [])
    letters = sorted(set(scheme) - {"·"})
    hands: list[tuple[str, ...]] = [()] * len(PLANS[held.form].lines)
    for letter, name in zip(letters, names, strict=True):
        places = [at for at, each in enumerate(scheme) if each == letter]
        kept = {_last(line) for _, line in held.options.pins}
        words = [word for word in counted.rhymes()[name][:COMMON] if rhymed or word not in kept]
        for turn, at in enumerate(places):
            hands[at] = tuple(words) if rhymed else tuple(_dealt(words, turn, len(places), held.drawn["deal"]))
    return hands


def _dealt(words: Sequence[str], turn: int, hands: int, deal: int) -> list[str]:
    """One hand: as many common words as each other hand has."""
    dice = Random(deal)  # noqa: S311 - not a secret
    order = [
        word
        for at in range(0, len(words), hands)
        for word in dice.sample(words[at : at + hands], len(words[at : at + hands]))
    ]
    return order[turn::hands]


def _last(line: str) -> str:
    return line.rstrip(MARKS).rpartition(" ")[2].lower()


def conforms(held: Held, text: str) -> bool:
    return judge(held.form, text, held.options).right
