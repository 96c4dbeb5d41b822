"""Judges English verse that counts syllables and rhymes, whoever wrote it.

It shares neither code nor table with what makes such verse (english.py): its table, data/spoken.txt, is what another
program says the words sound like. A word that is not in it is given the benefit of the doubt.
"""

import re
from functools import cache
from importlib import resources

from inference.verse.check import Fault, Line, Verdict
from inference.verse.options import FREE, Options

SYLLABLES = {  # fewest and most, line by line
    "haiku": ((5, 5), (7, 7), (5, 5)),
    "couplet": ((8, 10), (8, 10)),
    "quatrain": ((7, 9), (7, 9), (7, 9), (7, 9)),
    "limerick": ((8, 9), (8, 9), (5, 6), (5, 6), (8, 9)),
}
PAIRS = {  # lines that rhyme with one another, counted from 1: any one of these ways
    "haiku": ((),),
    "couplet": (((1, 2),),),
    "quatrain": (((1, 3), (2, 4)), ((1, 2), (3, 4)), ((2, 4),)),
    "limerick": (((1, 2), (2, 5), (1, 5), (3, 4)),),
}
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")
_LAID_OUT = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?(?:[,;:]? [A-Za-z]+(?:'[A-Za-z]+)?)*[,.;:?]?")


@cache
def _table() -> dict[str, tuple[str, int]]:
    """How a word's end sounds, and its syllables."""
    text = (resources.files("inference.verse") / "data" / "spoken.txt").read_text("utf-8")
    rows = (row.split("\t") for row in text.splitlines() if not row.startswith("#"))
    return {word: (end, int(count)) for end, count, words in rows for word in words.split(" ")}


def _known(word: str) -> tuple[str, int] | None:
    return _table().get(word) or _table().get(word.lower())


def judge(form: str, text: str, options: Options = FREE) -> Verdict:
    """The verdict; `tones` of a line are its syllables, `wanted` what they should be. Codes: 行数 写法
    音节 押韵 重韵 藏头 意象 留句."""
    lines, sizes = text.split("\n"), SYLLABLES[form]
    told = [Line(line, _counted(line), _wanted(size)) for line, size in zip(lines, sizes, strict=False)]
    if len(lines) != len(sizes):
        return Verdict(
            form, strict=False, right=False, opening="", rhyme="", lines=tuple(told), faults=(Fault("行数"),)
        )
    faults = [
        Fault(code, number)
        for number, (line, size) in enumerate(zip(lines, sizes, strict=True), 1)
        if (code := _wrong(line, size))
    ]
    ends = {number: words[-1] for number, line in enumerate(lines, 1) if (words := _WORD.findall(line))}
    faults += sorted((_unrhymed(ends, pairs) for pairs in PAIRS[form]), key=lambda found: len(found))[0]
    faults += _unmet(lines, options)
    return Verdict(form, strict=False, right=not faults, opening="", rhyme="", lines=tuple(told), faults=tuple(faults))


def _unmet(lines: list[str], options: Options) -> list[Fault]:
    """What else she asked for and has not got."""
    heads = [
        Fault("藏头", at, what=head)
        for at, (line, head) in enumerate(zip(lines, options.head, strict=False), 1)
        if line[:1].lower() != head.lower()
    ]
    said = {word.lower() for line in lines for word in _WORD.findall(line)}
    words = [Fault("意象", what=word) for word in options.words if word.lower() not in said]
    kept = [
        Fault("留句", at + 1, what=line)
        for at, line in options.pins
        if lines[at].rstrip(",.;:?") != line.rstrip(",.;:?")
    ]
    return heads + words + kept


def _wrong(line: str, size: tuple[int, int]) -> str:
    """What is wrong with a line by itself, if anything."""
    if _WORD.search(line) and not _LAID_OUT.fullmatch(line):
        return "写法"
    return "" if _fits(line, size) else "音节"


def _fits(line: str, size: tuple[int, int]) -> bool:
    known = [_known(word) for word in _WORD.findall(line)]
    sure, doubtful = sum(word[1] for word in known if word), sum(not word for word in known)
    return sure + doubtful <= size[1] and (sure >= size[0] or doubtful > 0)


def _unrhymed(ends: dict[int, str], pairs: tuple[tuple[int, int], ...]) -> list[Fault]:
    """Of each pair the later line is at fault. A line without words has no end, and rhymes with nothing."""
    faults: list[Fault] = []
    for one, other in pairs:
        first, second = ends.get(one, ""), ends.get(other, "")
        if first and first.lower() == second.lower():
            faults.append(Fault("重韵", other))
        elif not _may_rhyme(first, second):
            faults.append(Fault("押韵", other))
    return faults


def _may_rhyme(one: str, other: str) -> bool:
    a, b = _known(one), _known(other)
    return bool(one and other) and (a is None or b is None or a[0] == b[0])


def _counted(line: str) -> str:
    known = [_known(word) for word in _WORD.findall(line)]
    return f"{sum(word[1] for word in known if word)}" + "？" * (None in known)


def _wanted(size: tuple[int, int]) -> str:
    return f"{size[0]}" if size[0] == size[1] else f"{size[0]}–{size[1]}"
