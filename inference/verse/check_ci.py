"""Judges 词 by what Song poets wrote: data/songci.txt has, for each tune, the lines, tones and rhymes they kept to.

The makers of verse know tunes from the books of tunes; the two have only the poems in common. A character with both
tones, or unknown, is given the benefit of the doubt, and so is one with two rhymes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate, pairwise

from inference.verse.check import Fault, Line, Verdict, parts, told
from inference.verse.readings import CILIN, LEVEL, OBLIQUE, readings, rhymes_of

RHYME = {LEVEL: "韵", OBLIQUE: "叶"}  # what a rhyming place of this tone is marked with


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of a tune: a tone for each character, the number of its rhyme or 0, and what it may or must repeat."""

    tones: str
    rhyme: int = 0
    again: bool = False  # says the line before it once more
    same: bool = False  # may rhyme on the word of the rhyme before it

    @property
    def wanted(self) -> str:
        return self.tones[:-1] + RHYME[self.tones[-1]] if self.rhyme else self.tones


Tune = tuple[Pattern, ...]


@cache
def tunes() -> dict[str, tuple[Tune, ...]]:
    """The sorts of each tune, the commonest first."""
    found: dict[str, tuple[Tune, ...]] = {}
    text = (resources.files("inference.verse") / "data" / "songci.txt").read_text("utf-8")
    for row in text.splitlines():
        if not row.startswith("#"):
            form, _, _, lines = row.split("\t")
            found[form] = (*found.get(form, ()), tuple(map(_pattern, lines.split("/"))))
    return found


def _pattern(said: str) -> Pattern:
    tones = said.rstrip("123456789=~")
    number = said[len(tones) :].rstrip("=~")
    return Pattern(tones, int(number or 0), again=said.endswith("="), same=said[-1] in "=~")


def check(text: str, form: str, *, rhyme: str = "") -> Verdict:
    """Judge a text as a poem to this tune. `rhyme` is what its first rhyme has to be, if that was asked for."""
    tune, lines = _fitting(tunes()[form], text)
    wrong = list(_sizes(tune, lines))
    if wrong:
        said = tuple(told(line, CILIN) for line in lines)
        return Verdict(form, strict=False, right=False, opening="", rhyme="", lines=said, faults=tuple(wrong))
    said = tuple(told(line, CILIN, pattern.wanted) for line, pattern in zip(lines, tune, strict=True))
    rhymes = _rhymes(tune, lines)
    if rhyme:
        rhymes[1] = rhyme
    found = [*_tones(said), *_rhyming(tune, lines, rhymes), *_repeats(tune, lines)]
    faults = tuple(sorted(found, key=lambda fault: (fault.line or 0, fault.place or 0)))
    names = " ".join(rhymes[number] for number in sorted(rhymes))
    return Verdict(form, strict=False, right=not faults, opening="", rhyme=names, lines=said, faults=faults)


def _fitting(sorts: Sequence[Tune], text: str) -> tuple[Tune, list[str]]:
    """The sort whose line lengths are nearest to those of the text, and its lines."""
    lines = parts(text, len(text))

    def far(tune: Tune) -> tuple[int, int]:
        sizes = [len(pattern.tones) for pattern in tune]
        return abs(len(sizes) - len(lines)), sum(size != len(line) for size, line in zip(sizes, lines, strict=False))

    if len(lines) == 1:  # written without any mark
        for tune in sorts:
            ends = list(accumulate(len(pattern.tones) for pattern in tune))
            if ends[-1] == len(lines[0]):
                return tune, [lines[0][start:end] for start, end in pairwise([0, *ends])]
    return min(sorts, key=far), lines


def _sizes(tune: Tune, lines: Sequence[str]) -> Iterator[Fault]:
    if len(lines) != len(tune):
        yield Fault("字数")
    for at, (pattern, line) in enumerate(zip(tune, lines, strict=False), 1):
        if len(line) != len(pattern.tones):
            yield Fault("字数", at)


def _tones(lines: Sequence[Line]) -> Iterator[Fault]:
    """Wrong tones but for those of rhymes."""
    wrong = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}
    for at, line in enumerate(lines, 1):
        for place, (tone, wanted) in enumerate(zip(line.tones, line.wanted, strict=True), 1):
            if wrong.get(wanted) == tone:
                yield Fault("平仄", at, place)


def _rhymes(tune: Tune, lines: Sequence[str]) -> dict[int, str]:
    """By number, the rhyme that most of its words have; of two the one that the later words have."""
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for at, (pattern, line) in enumerate(zip(tune, lines, strict=True)):
        if pattern.rhyme:
            votes[pattern.rhyme].update(dict.fromkeys(rhymes_of(line[-1], CILIN, pattern.tones[-1]), 100 + at))
    return {number: max(sorted(heard), key=lambda name: heard[name], default="") for number, heard in votes.items()}


def _rhyming(tune: Tune, lines: Sequence[str], rhymes: dict[int, str]) -> Iterator[Fault]:
    seen: dict[int, list[str]] = defaultdict(list)
    for at, (pattern, line) in enumerate(zip(tune, lines, strict=True), 1):
        if not pattern.rhyme:
            continue
        word, before = line[-1], seen[pattern.rhyme]
        heard = readings(word, CILIN)
        if heard and all(tone != pattern.tones[-1] for tone, _ in heard):
            stays = rhymes.get(pattern.rhyme - 1) in {name for _, name in heard}
            yield Fault("换韵" if stays else "平仄", at, len(line))
        elif heard and (pattern.tones[-1], rhymes[pattern.rhyme]) not in heard:
            yield Fault("出韵", at, len(line), rhymes[pattern.rhyme])
        if word in (before[:-1] if pattern.same else before):
            yield Fault("重韵", at, len(line))
        before.append(word)


def _repeats(tune: Tune, lines: Sequence[str]) -> Iterator[Fault]:
    for at, pattern in enumerate(tune):
        if pattern.again and lines[at] != lines[at - 1]:
            yield Fault("叠句", at + 1, what=lines[at - 1])
