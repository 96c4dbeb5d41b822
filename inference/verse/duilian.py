"""对联 as a family of forms: two lines of one size whose tones are opposed at every place, the first ending oblique.

A place that the pattern leaves free gets its tone by chance, and the other line the opposite: so no character can stand
at the same place of both.
"""

from dataclasses import replace
from random import Random
from typing import Any

from inference.verse import asked, books, shape
from inference.verse.asked import Placed
from inference.verse.characters import HAN, LEANING
from inference.verse.held import Held
from inference.verse.judging import right
from inference.verse.options import Impossible, Options
from inference.verse.shape import NoSuchBeginning, Shape

TONES = "pingshui"  # the book that tones are from
SIZE = 7
# The first line of each size, · for either: the tones change from foot to foot. Where two are written they are two feet
# of another length: 4 and 5 in nine, 5 and 5 in ten, 4 and 7 in eleven, the first of them ending level.
PATTERNS = {
    5: ("·平平仄仄", "仄仄平平仄"),
    6: ("·仄·平·仄",),
    7: ("·仄·平平仄仄", "·平仄仄平平仄"),
    8: ("·仄·平·平·仄",),
    9: ("·仄·平·平平仄仄", "·仄·平仄仄平平仄"),
    10: ("·仄仄平平·平平仄仄",),
    11: ("·仄·平·仄·平平仄仄", "·仄·平·平仄仄平平仄"),
}
OPPOSITE = str.maketrans("平仄", "仄平")
MARKS = "，。"
TRIES = 12  # draws of the tones, until what she asks for by name can stand


def draw(held: Held, wish: str, seed: str) -> dict[str, Any]:
    options, dice = held.options, Random(seed)  # noqa: S311 - not a secret
    ways = (_kept(_settled(dice.choice(PATTERNS[options.size or SIZE]), dice), options) for _ in range(TRIES))
    tones, placed = asked.first(ways, lambda way: _place(way, options, dice))
    return {"tones": tones} | ({"placed": [list(each) for each in placed]} if placed else {})


def _settled(pattern: str, dice: Random) -> str:
    return "".join(dice.choice("平仄") if tone == "·" else tone for tone in pattern)


def _kept(tones: str, options: Options) -> str:
    """The tones of the first line, so that a line that stays may stand, whatever its own are."""
    for at, line in options.pins:
        heard = _heard(line, tones if at == 0 else tones.translate(OPPOSITE))
        tones = heard if at == 0 else heard.translate(OPPOSITE)
    return tones


def _heard(line: str, tones: str) -> str:
    """These tones, or where they are others those of a line as it is written; its last keeps its own.

    A character that the book has not is taken to have the tone of the pattern that the others are nearest to.
    """
    usual = PATTERNS[len(tones)] if tones[-1] == "仄" else [each.translate(OPPOSITE) for each in PATTERNS[len(tones)]]
    nearest = max(usual, key=lambda each: sum(map(_is, line, each)))
    heard = map(_tone, line[: len(tones) - 1], tones, nearest)
    return "".join(heard) + tones[min(len(line), len(tones) - 1) :]


def _is(char: str, tone: str) -> bool:
    return books.may_be(char, tone, TONES)


def _tone(char: str, tone: str, usual: str) -> str:
    """The tone of a character, this one if it may have it."""
    return next((each for each in (tone, *"平仄") if _is(char, each)), tone if usual == "·" else usual)


def _place(tones: str, options: Options, dice: Random) -> Placed:
    lines = (tones, tones.translate(OPPOSITE))
    strange = {char for _, line in options.pins for char in line} - books.readings(TONES).keys()

    def fits(at: int, place: int, char: str) -> bool:
        last = place == len(tones) - 1
        return (char in strange or _is(char, lines[at][place])) and not (last and char in LEANING)

    placed = asked.place(options, [len(tones)] * 2, fits, dice)
    upper, lower = (
        {at + step: char for line, at, text in placed if line == row for step, char in enumerate(text)}
        for row in (0, 1)
    )
    if any(upper.get(place) == char for place, char in lower.items()):
        raise Impossible("words" if options.words else "head" if options.head else "pins", "crowded", placed[-1][2])
    return placed


def _pair(tones: str, placed: Placed, said: str = "") -> Shape:
    """Both lines. `said` is what somebody else wrote of the first."""
    upper, lower = (
        asked.hold_line(_line(each, said, placed), placed, at)
        for at, each in enumerate((tones, tones.translate(OPPOSITE)))
    )
    upper = [*map(shape.one_of, said), *upper[len(said) :]]
    return shape.row(*upper, shape.text("，\n"), *lower, shape.text("。"))


def _line(tones: str, other: str, placed: Placed) -> list[Shape]:
    """A line without its mark, a shape a character: none that stands at the same place of the `other` line, none that
    she asks for by name elsewhere.
    """
    found = [shape.heads(books.chars(tone, TONES)) for tone in tones]
    found = [members - set(char) for members, char in zip(found, other.ljust(len(tones)), strict=True)]
    found[-1] -= {*LEANING, *books.rows(TONES)["疑"]}
    (line,) = asked.once([[shape.one_of("".join(members)) for members in found]], placed)
    return line


def follow(held: Held, written: str) -> Shape:
    tones, placed = held.drawn["tones"], held.drawn.get("placed", [])
    try:
        return shape.follow(_pair(tones, placed), written)
    except NoSuchBeginning:
        if held.options.told().keys() - {"script", "size"}:
            raise  # what she asked for is never given up
    said = written.split("，")[0]
    if len(said) > len(tones) or not books.may_be(said.ljust(len(tones), "月")[-1], "仄", TONES):
        raise NoSuchBeginning
    return shape.follow(_pair(_heard(said, tones), [], said), written)


def instead(held: Held, poem: str, at: int) -> Shape:
    rows = [line[:-1] for line in poem.split("\n")]
    placed = asked.standing(held.drawn.get("placed", []), dict(enumerate(rows)))
    if follow(replace(held, drawn={**held.drawn, "placed": placed}), poem) != shape.EMPTY:
        raise NoSuchBeginning
    upper, lower = rows
    old, other = (upper, lower) if at == 0 else (lower, upper)
    drawn = held.drawn["tones"] if at else held.drawn["tones"].translate(OPPOSITE)  # those of the other line
    tones = _heard(other, drawn).translate(OPPOSITE)
    placed = asked.beside(placed, at, len(old))
    return shape.row(
        asked.another(asked.hold_line(_line(tones, other, placed), placed, at), old), shape.text(MARKS[at])
    )


def conforms(held: Held, text: str) -> bool:
    known = {*HAN, *held.options.named()}
    lines = text.split("\n")
    laid_out = "".join(line[-1:] for line in lines) == MARKS and all(set(line[:-1]) <= known for line in lines)
    sound = laid_out and all(line[-2:-1] not in LEANING for line in lines)
    return sound and right(held.form, text, held.options)
