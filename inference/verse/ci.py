"""词 as a family of forms: made by ci_tune.py to the tunes of cipu.py, judged by check_ci.py."""

import re
from dataclasses import replace
from random import Random
from typing import Any

from inference.verse import asked, books, ci_tune, cipu, shape
from inference.verse.asked import Placed
from inference.verse.characters import HAN, LEANING
from inference.verse.ci_tune import TONES, Tune
from inference.verse.cipu import AGAIN, Pattern
from inference.verse.held import Held
from inference.verse.judging import right
from inference.verse.options import Impossible, Options
from inference.verse.shape import NoSuchBeginning, Shape

MIXED = {"第三部": 0.4, "第四部": 0.6}  # parts whose words no longer all sound alike
ENTERING = 0.15  # and those of the entering tone, which Putonghua has not
FEWEST, LEAST = 9, 3  # rhyme words that a line must have to choose from: in a part that we choose, or that she does
FEW_PHRASES = 24  # to choose a line from that is said twice
TRIES = 12  # draws of the rhymes, until what she asks for by name can stand


def draw(held: Held, wish: str, seed: str) -> dict[str, Any]:
    pattern, options, dice = cipu.patterns()[held.form], held.options, Random(seed)  # noqa: S311 - not a secret
    ways = (Tune(pattern, _parts(pattern, wish, options, dice), dice.randrange(1 << 20)) for _ in range(TRIES))
    tune, placed = asked.first(ways, lambda way: _place(way, options, dice))
    drawn = {"rhymes": [*tune.parts.values()], "deal": tune.deal}
    return drawn | ({"placed": [list(each) for each in placed]} if placed else {})


def _parts(pattern: Pattern, wish: str, options: Options, dice: Random) -> dict[str, str]:
    """A part for each rhyme, each another: the likelier the more words it has and the more of them are wished.

    Where she names a rhyme or keeps lines, those with the fewest parts come first, so that no other takes the last one.
    """
    fitting = {number: _fitting(pattern, number, options) for number in pattern.rhymes}
    bound = options.rhyme or options.pins
    found: dict[str, str] = {}
    for number in sorted(fitting, key=lambda number: len(fitting[number])) if bound else fitting:
        parts = [part for part in fitting[number] if part not in found.values()]
        if not parts:
            raise _crowded(options, options.rhyme)
        weights = [_weight(part, _words(pattern, number, part), wish) for part in parts]
        (found[number],) = dice.choices(parts, weights)
    return {number: found[number] for number in fitting}


def _weight(part: str, words: str, wish: str) -> float:
    living = ENTERING if cipu.entering(part) else MIXED.get(part, 1)
    return len(words) * living * (1 + 2 * len(set(wish) & set(words)))


def _fitting(pattern: Pattern, number: str, options: Options) -> list[str]:
    """The parts that have words enough for a rhyme, and those of the lines that stay. Raises `Impossible`."""
    wanted = _named(options.rhyme) if number == pattern.rhymes[0] else ""
    kept = {text[-1:] for at, text in options.pins if at < len(pattern.lines) and pattern.lines[at].rhyme == number}
    least = LEAST if wanted or kept else FEWEST
    enough = [part for part in cipu.parts() if wanted in {"", part} and _suffices(pattern, number, part, least)]
    if not enough:
        raise Impossible("rhyme", "few", wanted)
    return [part for part in enough if kept <= set(_words(pattern, number, part))] or enough


def _named(rhyme: str) -> str:
    """A part as the book calls it; she may also write 三部."""
    bare = rhyme.strip("第部韵")
    found = next((part for part in cipu.parts() if part.strip("第部") == bare), "")
    if rhyme and not found:
        raise Impossible("rhyme", "unknown", rhyme)
    return found


def _words(pattern: Pattern, number: str, part: str) -> str:
    tones = sorted({line.tones[-1] for line in pattern.lines if line.rhyme == number})
    return "".join(cipu.words(part, tone) for tone in tones)


def _suffices(pattern: Pattern, number: str, part: str, least: int) -> bool:
    """Whether a part has words enough for each tone of a rhyme, and phrases for a line that is said twice."""
    ends = [line.end for line in pattern.lines if line.rhyme == number and not line.copies]
    twice = any(line.copies == AGAIN and line.rhyme == number for line in pattern.lines)
    enough = all(len(cipu.words(part, tone)) >= least * ends.count((number, tone)) for _, tone in ends)
    return enough and (not twice or len(cipu.phrases(part)) >= FEW_PHRASES)


def _place(tune: Tune, options: Options, dice: Random) -> Placed:
    """Where what she asks for by name stands. Raises `Impossible`."""
    lines = tune.pattern.lines
    copies = [at for at, line in enumerate(lines) if line.copies]
    ends = [at for at, line in enumerate(lines) if line.rhyme and not line.copies]

    def fits(at: int, place: int, char: str) -> bool:
        line = lines[at]
        if place < len(line.tones) - 1 or not line.rhyme:
            return books.may_be(char, line.tones[place], TONES) and (place < len(line.tones) - 1 or char not in LEANING)
        return char in tune.words(line)

    placed = asked.place(options, [len(line.tones) for line in lines], fits, dice, ends)
    held = replace(tune, placed=tuple(placed))
    dealt, kept = ci_tune.hands(held, {}), ci_tune.kept(held)
    for at in copies:
        if not ci_tune.said_twice(held, at - 1, dealt[at - 1], kept.get(at - 1, "")):
            raise _crowded(options, tune.parts[lines[at].rhyme])
    return placed


def _crowded(options: Options, part: str) -> Impossible:
    """Nothing is left that may be said twice beside what she asks for."""
    for field, asked_for in (
        ("pins", [text for _, text in options.pins]),
        ("head", options.head),
        ("words", options.words),
    ):
        if asked_for:
            return Impossible(field, "crowded", asked_for[0])
    return Impossible("rhyme", "few", part)


def follow(held: Held, written: str) -> Shape:
    tune = Tune.of(held)
    try:
        return ci_tune.follow(tune, written)
    except NoSuchBeginning:
        if held.options.told().keys() - {"script"}:
            raise  # what she asked for is never given up
    tune, said = ci_tune.tune_of(tune, written)
    return shape.follow(ci_tune.poem(tune, said), written)


def instead(held: Held, poem: str, at: int) -> Shape:
    tune, said = ci_tune.tune_of(Tune.of(held), poem)
    lines, written = tune.pattern.lines, poem.split("\n")
    row = sum(bool(line) for line in written[:at])
    after = lines[row + 1].copies if row + 1 < len(lines) else ""
    if not written[at] or len(said) < len(lines) or AGAIN in (lines[row].copies, after):
        raise NoSuchBeginning  # a line that is said twice is not changed once
    used = {line[-1] for line in said.values()}
    words = "".join(char for char in tune.words(lines[row]) if char not in used) if lines[row].rhyme else ""
    end = said[row][-1] if lines[row].copies or after else words
    stays = replace(tune, placed=tuple(asked.beside(tune.placed, row, len(lines[row].tones))))
    return shape.row(asked.another(ci_tune.line_of(stays, row, end), said[row]), shape.text(lines[row].mark))


_LAYOUT = re.compile(r"(?:[^\n，。]+[，。]\n\n?)*[^\n，。]+。")


def conforms(held: Held, text: str) -> bool:
    known = {*HAN, *held.options.named()}
    lines = [line[:-1] for line in text.split("\n") if line]
    laid_out = _LAYOUT.fullmatch(text) is not None and all(set(line) <= known for line in lines)
    sound = laid_out and all(line[-1] not in LEANING for line in lines)
    return sound and right(held.form, text, held.options)
