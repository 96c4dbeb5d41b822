"""The one door to the checkers: what is to be said of a poem, by its form and by what was asked for besides."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from inference.verse import check, check_asked, check_ci, check_duilian, english_check
from inference.verse.check import Fault, Verdict, parts, rows, told
from inference.verse.options import FREE, Options
from inference.verse.readings import CILIN, names
from inference.verse.registry import family_of, language_in
from inference.verse.script import as_made, simple

HAIKU = (5, 7, 5)


def verdict_of(form: str, text: str, language: str = "zh", options: Options = FREE) -> Verdict | None:
    """The verdict; None where there is nothing to judge. Layout is not its business."""
    if options.script == "hant":
        found = verdict_of(form, as_made(text, form), language, replace(simple(options, form), script="hans"))
        return found and _as_written(found, text)
    language = language_in(form, language)
    family = family_of(form, language)
    if family == "english":
        return english_check.judge(form, text, options)
    if language != "zh":
        return None
    if family == "regulated":
        rhyme = _rhyme(options.rhyme, options.book)
        found = check.check(text, form, strict=options.strict, book=options.book, rhyme=rhyme)
    elif family == "ci":
        found = check_ci.check(text, form, rhyme=_rhyme(options.rhyme, CILIN))
    elif family == "duilian":
        found = check_duilian.check(text, options.size)
    elif form == "haiku":
        found = _sized(form, parts(text, len(text) or 1), HAIKU)
    elif options.head or options.words or options.pins:
        return check_asked.with_asked(_sized(form, rows(text), ()), options, parts(text, len(text) or 1))
    else:
        return None
    return check_asked.with_asked(found, options)


def right(form: str, text: str, options: Options = FREE, language: str = "zh") -> bool:
    """Whether nothing is wrong with it, as far as it can be judged."""
    found = verdict_of(form, text, language, options)
    return found is None or found.right


def _as_written(verdict: Verdict, text: str) -> Verdict:
    """With the lines in the script of the text."""
    letters = iter("".join(parts(text, len(text) or 1)))
    lines = tuple(replace(line, text="".join(islice(letters, len(line.text)))) for line in verdict.lines)
    return replace(verdict, lines=lines)


def _rhyme(said: str, book: str) -> str:
    """A rhyme as its book calls it; she may write 东韵 or 一部."""
    bare = said.strip("第部韵")
    return next((name for name in names(book) if name.strip("第部") == bare), said) if said else ""


def _sized(form: str, lines: Sequence[str], sizes: Sequence[int]) -> Verdict:
    """Lines that have a size at most, and no tones."""
    faults = [Fault("字数")] if sizes and len(lines) != len(sizes) else []
    faults += [
        Fault("字数", at) for at, (line, size) in enumerate(zip(lines, sizes, strict=False), 1) if len(line) != size
    ]
    said = tuple(map(told, lines))
    return Verdict(form, strict=False, right=not faults, opening="", rhyme="", lines=said, faults=tuple(faults))
