"""词 as shapes: a tune's tones and rhymes (cipu.py), with a part of 词林正韵 for each of its rhymes.

A line said twice, or a rhyme word said twice, is one choice among whole pairs of lines: a regular shape cannot say "as
before", but it can name what may be said twice.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from random import Random

from inference.verse import asked, books, cipu, shape
from inference.verse.characters import LEANING
from inference.verse.cipu import AGAIN, Pattern, Verse
from inference.verse.held import Held
from inference.verse.metre import shared_out
from inference.verse.shape import NoSuchBeginning, Shape

TONES = "pingshui"  # the book that tones are from
TWICE = 6  # of the words that a rhyme may be said twice with, the commonest


@dataclass(frozen=True, slots=True)
class Tune:
    """What one poem is held to: by rhyme its part, `deal` for which words are for which line, and what is placed."""

    pattern: Pattern
    parts: Mapping[str, str]
    deal: int
    placed: tuple[tuple[int, int, str], ...] = ()

    @classmethod
    def of(cls, held: Held) -> "Tune":
        """The tune of a stored constraint."""
        pattern, drawn = cipu.patterns()[held.form], held.drawn
        placed = tuple((line, at, text) for line, at, text in drawn.get("placed", ()))
        return cls(pattern, dict(zip(pattern.rhymes, drawn["rhymes"], strict=True)), drawn["deal"], placed)

    def words(self, verse: Verse) -> str:
        """The words that may end a line that rhymes."""
        return cipu.words(self.parts[verse.rhyme], verse.tones[-1])


def poem(tune: Tune, said: Mapping[int, str] | None = None) -> Shape:
    """The shape of a whole poem. `said` are the lines that somebody else wrote, without their marks."""
    lines, dealt, whole = tune.pattern.lines, hands(tune, said or {}), kept(tune) | dict(said or {})
    parts: list[Shape] = []
    for at, verse in enumerate(lines):
        if verse.copies:
            continue  # it came with the line before it
        if at:
            parts.append(shape.text("\n\n" if verse.stanza else "\n"))
        if at + 1 < len(lines) and lines[at + 1].copies:
            parts.append(_pair(tune, at, dealt[at], whole.get(at, "")))
        elif said and at in said:
            parts.append(shape.text(said[at] + verse.mark))
        else:
            line = line_of(tune, at, dealt.get(at, ""), doubtful=said is not None)
            parts.append(shape.row(*line, shape.text(verse.mark)))
    return shape.row(*parts)


def line_of(tune: Tune, at: int, end: str, *, doubtful: bool = False) -> list[Shape]:
    """Line `at` without its mark, a shape a character. `end` are the words that may end it, if it rhymes."""
    tones = tune.pattern.lines[at].tones
    line = [books.chars(tone, TONES, doubtful=doubtful) for tone in tones[:-1]]
    last = shape.one_of(end) if end else _end(tune, tones[-1], doubtful=doubtful)
    row = [*line, last]
    if not any(verse.copies for verse in tune.pattern.lines[at : at + 2]):
        (row,) = asked.once([row], tune.placed)
    return asked.hold_line(row, tune.placed, at)


def _end(tune: Tune, tone: str, *, doubtful: bool) -> Shape:
    """The end of a line that does not rhyme: no word that leans on the next, is of doubtful tone or chimes (撞韵)."""
    chimes = "" if doubtful else "".join(cipu.words(part, tone) for part in tune.parts.values())
    return _ends_but(tone, chimes, doubtful=doubtful)


@lru_cache(256)
def _ends_but(tone: str, chimes: str, *, doubtful: bool) -> Shape:
    members = shape.heads(books.chars(tone, TONES, doubtful=doubtful))
    return shape.one_of("".join(members - {*LEANING, *books.rows(TONES)["疑"], *chimes}))


def _pair(tune: Tune, at: int, hand: str, said: str) -> Shape:
    """Line `at` and the next one, which says all of it again, or its rhyme word."""
    one, two = line_of(tune, at, hand), line_of(tune, at + 1, hand)
    first, second = tune.pattern.lines[at : at + 2]
    between, end = shape.text(first.mark + "\n"), shape.text(second.mark)
    return shape.either(
        *(
            shape.row(*one[: -len(words)], shape.text(words), between, *two[: -len(words)], shape.text(words), end)
            for words in said_twice(tune, at, hand, said)
        )
    )


def kept(tune: Tune) -> dict[int, str]:
    """The lines that stay as they are; of one that is said twice both."""
    lines = tune.pattern.lines
    found = {at: text for at, place, text in tune.placed if not place and len(text) == len(lines[at].tones)}
    for at, verse in enumerate(lines):
        if verse.copies == AGAIN and {at - 1, at} & found.keys():
            found[at - 1] = found[at] = found.get(at - 1) or found[at]
    return found


def said_twice(tune: Tune, at: int, hand: str, said: str = "") -> list[str]:
    """What may end line `at` and the next one: a rhyme word out of `hand`, or a whole line that ends in one.

    `said` is the line where it is written or kept.
    """
    one, two = line_of(tune, at, hand), line_of(tune, at + 1, hand)
    if tune.pattern.lines[at + 1].copies == AGAIN:
        verse = tune.pattern.lines[at]
        phrases = cipu.phrases(tune.parts[verse.rhyme])
        choices = [said] if said else [phrase for phrase in phrases if phrase[-1] in hand]
    else:
        choices = [*hand[:TWICE]]
    return [words for words in choices if _ends(one, words) and _ends(two, words)]


def _ends(line: list[Shape], words: str) -> bool:
    return all(char in shape.heads(part) for char, part in zip(words, line[-len(words) :], strict=True))


def hands(tune: Tune, said: Mapping[int, str]) -> dict[int, str]:
    """By line the words that may end it: those of a rhyme shared out, as many common ones to each line; or what is."""
    dice = Random(tune.deal)  # noqa: S311 - not a secret
    lines = tune.pattern.lines
    ends = {at: line[-1] for at, line in (kept(tune) | dict(said)).items()}
    ends |= {at - 1: ends[at] for at, verse in enumerate(lines) if verse.copies and at in ends}
    found: dict[int, str] = {}
    for end in dict.fromkeys(verse.end for verse in lines if verse.rhyme):
        places = [at for at, verse in enumerate(lines) if verse.end == end and not verse.copies]
        words = [char for char in tune.words(lines[places[0]]) if char not in ends.values()]
        found |= zip(places, shared_out(words, len(places), dice), strict=True)
    return {at: ends.get(at, hand) for at, hand in found.items() if hand}


# --- poems that stand already ----------------------------------------------------------------------------------------
def said_in(pattern: Pattern, text: str) -> dict[int, str]:
    """The lines of a text that are written to their end, without their marks."""
    written = [line for line in text.split("\n") if line]
    sizes = [len(verse.tones) for verse in pattern.lines]
    return {at: line[:size] for at, (line, size) in enumerate(zip(written, sizes, strict=False)) if len(line) >= size}


def tunes_of(tune: Tune, said: Mapping[int, str]) -> Iterator[Tune]:
    """The tunes that a text may be in by its tones and rhymes, its own first."""
    if not all(_sounds(tune.pattern.lines[at], line) for at, line in said.items()):
        return
    ends: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for at, line in said.items():
        verse = tune.pattern.lines[at]
        ends[verse.rhyme].append((verse.tones[-1], line[-1]))
    choices = [
        [
            part
            for part in _first(tune.parts[number])
            if all(char in cipu.words(part, tone) for tone, char in ends[number])
        ]
        if ends[number]
        else [tune.parts[number]]
        for number in tune.pattern.rhymes
    ]
    for parts in product(*choices):
        yield replace(tune, parts=dict(zip(tune.pattern.rhymes, parts, strict=True)))


def _sounds(verse: Verse, line: str) -> bool:
    """Whether a line of somebody else may have these tones; what the book has not may have any."""
    known = books.readings(TONES)
    pairs = zip(line, verse.tones, strict=True)
    return all(char not in known or books.may_be(char, tone, TONES) for char, tone in pairs)


def _first(part: str) -> list[str]:
    return [part, *(other for other in cipu.parts() if other != part)]


def follow(tune: Tune, written: str) -> Shape:
    """What may follow `written` in this tune. Raises `NoSuchBeginning`."""
    return shape.follow(poem(tune), written)


def tune_of(tune: Tune, written: str) -> tuple[Tune, dict[int, str]]:
    """The tune that a text of somebody else is in, and its lines. Raises `NoSuchBeginning`."""
    said = said_in(tune.pattern, written)
    tune = replace(tune, placed=tuple(asked.standing(tune.placed, said)))
    for each in tunes_of(tune, said):
        try:
            shape.follow(poem(each, said), written)
        except NoSuchBeginning:
            continue
        return each, said
    raise NoSuchBeginning
