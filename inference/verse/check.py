"""Judges regulated verse (近体诗), whoever wrote it: the metre, the rhyme, and where each fault is.

It shares neither code nor table with what makes verse (metre.py): its tables (readings.py) come from other books, and
it knows rules where the other knows patterns. A character with both tones, or unknown, is given the benefit of the
doubt.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from inference.verse.readings import LEVEL, OBLIQUE, PINGSHUI, rhymes_of, tone

SIZES = {"wujue": (4, 5), "qijue": (4, 7), "wulv": (8, 5), "qilv": (8, 7)}  # lines, characters a line
NEIGHBOURS = ("东冬", "江阳", "支微齐佳灰", "鱼虞", "真文元寒删先", "萧肴豪", "歌麻", "庚青蒸", "覃盐咸")
BREAK = 1.3  # a turn of the whole poem explains more than one wrong tone, and less than two
FREE_PLACE = 0.001  # what a wrong tone at a free place says of how a line begins: something where nothing else does
_NO_WORD = re.compile(r"[^㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong and where, counted from 1; None is the whole line, or the whole poem.

    Codes: 字数 平仄 失对 失粘 孤平 三平调 出韵 重韵, and 三仄尾 but by the usual rules; 换韵 叠句 of 词;
    同字 of 对联; of what she asked besides 藏头 意象 留句: then `what` is the character, word or line she asked for.
    """

    code: str
    line: int | None = None
    place: int | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, the tone of each character, and what the metre wants there.

    That is 平, 仄, · for either, 韵 for a level rhyme, 叶 for an oblique one.
    """

    text: str
    tones: str
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a poem; orjson writes it as it is. `opening` and `rhyme` are empty if the size is wrong."""

    form: str
    strict: bool
    right: bool
    opening: str
    rhyme: str
    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]


def check(
    text: str, form: str, *, plain: bool = False, strict: bool = False, book: str = PINGSHUI, rhyme: str = ""
) -> Verdict:
    """Judge a text as a poem of this form, in the rhyme that was asked for if any was.

    By the usual rules what masters allowed themselves passes: a rescued tone (拗救), a neighbouring rhyme in the first
    line. The plain rules take none of it. The strict rules are the plain ones without a free place: the first, third
    and fifth too have the tone that their line wants there.
    """
    count, length = SIZES[form]
    lines = parts(text, length)
    faults = [Fault("字数")] if len(lines) != count else []
    faults += [Fault("字数", at) for at, line in enumerate(lines, 1) if len(line) != length]
    said = [told(line, book) for line in lines]
    if faults:
        return Verdict(form, strict, right=False, opening="", rhyme="", lines=tuple(said), faults=tuple(faults))
    ways = {LEVEL: (True,), OBLIQUE: (False,)}.get(said[0].tones[-1], (True, False))
    rules = _Rules(plain or strict, strict, book)
    readings = [_Reading(said, rules, first_rhymes=rhymes, rhyme=rhyme) for rhymes in ways]
    return min(readings, key=lambda reading: reading.cost).verdict(form)


def told(line: str, book: str = PINGSHUI, wanted: str = "") -> Line:
    """A line with the tone of each character by this book."""
    return Line(line, "".join(tone(char, book) for char in line), wanted)


def parts(text: str, length: int) -> list[str]:
    """The lines of a text, without their marks; one that was written without any mark is cut at this length."""
    lines = [line for line in _NO_WORD.split(text) if line]
    if len(lines) == 1:  # written without any mark
        (whole,) = lines
        return [whole[at : at + length] for at in range(0, len(whole), length)]
    return lines


def rows(text: str) -> list[str]:
    """The lines as they stand below one another, without the empty ones between stanzas and without any mark."""
    return [bare(row) for row in text.split("\n") if row.strip()]


def bare(line: str) -> str:
    return _NO_WORD.sub("", line)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a poem is judged by."""

    plain: bool
    strict: bool
    book: str


class _Reading:
    """The poem read with or without a rhyme in its first line, in the way that finds least fault with it."""

    def __init__(self, lines: list[Line], rules: _Rules, *, first_rhymes: bool, rhyme: str) -> None:
        self.tones = [line.tones for line in lines]
        self.texts = [line.text for line in lines]
        self.rhymed = [at % 2 == 1 or (at == 0 and first_rhymes) for at in range(len(lines))]
        self.rules, self.book = rules, rules.book
        found = [{start: self._line(at, start) for start in LEVEL + OBLIQUE} for at in range(len(lines))]

        self.starts, cost = _likeliest([{start: _weight(*faults[start]) for start in faults} for faults in found])
        tonal = [
            fault for ways, start in zip(found, self.starts, strict=True) for some in ways[start] for fault in some
        ]
        self.rhyme = rhyme or self._rhyme()
        rhyming = list(self._rhyming())
        self.faults = [*tonal, *_turns(self.starts), *rhyming]
        self.cost = (cost + len(rhyming), not first_rhymes)

    def verdict(self, form: str) -> Verdict:
        opening = f"{self.starts[0]}起{'' if self.rhymed[0] else '不'}入韵"
        lines = tuple(
            Line(text, tones, _wanted(start, len(text), rhymed=rhymed, strict=self.rules.strict))
            for text, tones, start, rhymed in zip(self.texts, self.tones, self.starts, self.rhymed, strict=True)
        )
        faults = tuple(sorted(self.faults, key=lambda fault: (fault.line or 0, fault.place or 0)))
        return Verdict(form, self.rules.strict, not faults, opening, self.rhyme, lines, faults)

    def _line(self, at: int, start: str) -> tuple[list[Fault], list[Fault]]:
        """The faults of a line that begins so, and those at places that only the strict rules do not leave free."""
        tones, rhymed = self.tones[at], self.rhymed[at]
        following = self.tones[at + 1] if at + 1 < len(self.tones) else ""
        found = list(_line_faults(tones, following, start, rhymed=rhymed, plain=self.rules.plain))
        told = {place for _, place in found}
        free = _free_faults(tones, start, rhymed=rhymed) if self.rules.strict else ()
        return (
            [Fault(code, at + 1, place) for code, place in found],
            [Fault("平仄", at + 1, place) for place in free if place not in told],
        )

    def _rhyme(self) -> str:
        """The level rhyme that most of the rhyme words have; the first line counts least, and then the earlier more."""
        votes: Counter[str] = Counter()
        for at in self._rhyming_lines():
            votes.update(dict.fromkeys(rhymes_of(self.texts[at][-1], self.book), 1 if at == 0 else 100 - at))
        return max(sorted(votes), key=lambda group: votes[group], default="")

    def _rhyming_lines(self) -> list[int]:
        return [at for at, rhymed in enumerate(self.rhymed) if rhymed and self.tones[at][-1] != OBLIQUE]

    def _rhyming(self) -> Iterator[Fault]:
        seen: set[str] = set()
        near = self._near()
        for at in self._rhyming_lines():
            word = self.texts[at][-1]
            allowed = near if at == 0 and not self.rules.plain else {self.rhyme}
            if rhymes_of(word, self.book).isdisjoint(allowed) and rhymes_of(word, self.book):
                yield Fault("出韵", at + 1, len(self.texts[at]))
            if word in seen:
                yield Fault("重韵", at + 1, len(self.texts[at]))
            seen.add(word)

    def _near(self) -> set[str]:
        """What the first line may rhyme with (邻韵); the later books have merged such rhymes already."""
        near = next((groups for groups in NEIGHBOURS if self.rhyme in groups), "") if self.book == PINGSHUI else ""
        return {self.rhyme, *near}


def _weight(faults: list[Fault], free: list[Fault]) -> float:
    """What the faults of a line say against the way it was read."""
    return len(faults) + FREE_PLACE * len(free)


def _likeliest(wrong: list[dict[str, float]]) -> tuple[str, float]:
    """The starts of the lines that explain the poem with least fault, given how many wrong tones each would mean."""
    ways = {start: (start, tones) for start, tones in wrong[0].items()}
    for at, tones in enumerate(wrong[1:], 1):
        ways = {
            start: min(
                (
                    (starts + start, cost + tones[start] + BREAK * _breaks(at, starts[-1], start))
                    for starts, cost in ways.values()
                ),
                key=lambda way: way[1],
            )
            for start in tones
        }
    return min(ways.values(), key=lambda way: way[1])


def _breaks(at: int, before: str, start: str) -> bool:
    """Whether line `at` does not answer the one before within its couplet (对), or stick to it between two (粘)."""
    return (before == start) == (at % 2 == 1)


def _turns(starts: str) -> Iterator[Fault]:
    for at, (before, start) in enumerate(pairwise(starts), 1):
        if _breaks(at, before, start):
            yield Fault("失对" if at % 2 == 1 else "失粘", at + 1)


def _turned(tone: str) -> str:
    return OBLIQUE if tone == LEVEL else LEVEL


def _wanted(start: str, length: int, *, rhymed: bool, strict: bool = False) -> str:
    """What the metre wants of a line: its even places alternate from `start`, and its end is level if it rhymes.

    Strictly each place before an even one has the tone of that one, but for the third from the end: it is not the
    tone of the end.
    """
    wanted = ["·"] * length
    for place in range(1, length, 2):
        wanted[place] = start if place % 4 == 1 else _turned(start)
    before_last = wanted[length - 2]
    wanted[-1] = "韵" if rhymed else OBLIQUE
    if rhymed and before_last == OBLIQUE:
        wanted[length - 5] = LEVEL  # or the level tone after it stands alone
    else:
        wanted[length - 3] = OBLIQUE if rhymed else LEVEL  # or three of a kind end the line, or nearly
    if strict:
        wanted[: length - 3 : 2] = wanted[1 : length - 2 : 2]
        wanted[length - 3] = OBLIQUE if rhymed else LEVEL
    return "".join(wanted)


def _line_faults(tones: str, following: str, start: str, *, rhymed: bool, plain: bool) -> Iterator[tuple[str, int]]:
    """The faults of one line, with their places from 1."""
    wanted, length = _wanted(start, len(tones), rhymed=rhymed), len(tones)
    tail = tones[-5:]
    first, third, fourth, last = tail[0], tail[2], tail[3], tail[4]
    lone = rhymed and wanted[-2] == OBLIQUE  # the kind that 孤平 threatens
    for place in (*range(1, length, 2), length - 1):
        want = LEVEL if wanted[place] == "韵" else wanted[place]
        rescued = place == length - 2 and not rhymed and not plain and _rescued(want, tail, following)
        if tones[place] == _turned(want) and not rescued:
            yield "平仄", place + 1
    if lone and first == OBLIQUE and (third == OBLIQUE or plain):
        yield "孤平", length - 4
    if rhymed and third == fourth == last == LEVEL:
        yield "三平调", length - 2
    if plain and not rhymed and third == OBLIQUE:
        yield ("三仄尾" if fourth == last == OBLIQUE else "平仄"), length - 2


def _free_faults(tones: str, start: str, *, rhymed: bool) -> Iterator[int]:
    """The places, from 1, that only the strict rules do not leave free, where the tone is not what they want."""
    wanted = _wanted(start, len(tones), rhymed=rhymed, strict=True)
    return (place + 1 for place in range(0, len(tones) - 1, 2) if tones[place] == _turned(wanted[place]))


def _rescued(want: str, tail: str, following: str) -> bool:
    """Whether the fourth of the last five places may have the other tone in a line that does not rhyme.

    平平仄平仄 makes good within the line, level in its first place too; a level third place in the next line makes good
    for an oblique fourth here.
    """
    if want == OBLIQUE:
        return OBLIQUE not in tail[:2] and tail[2] != LEVEL
    return bool(following) and following[-3] != OBLIQUE
