"""What a form is held to, for whoever learns it: the pattern poems are made by, over a poem of old that keeps it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from inference.verse import cipu, duilian, metre
from inference.verse.english import PLANS
from inference.verse.registry import FORMS

GLYPHS = str.maketrans({"平": "○", "仄": "●", "·": "⊙", "韵": "△", "叶": "▲"})


@dataclass(frozen=True, slots=True)
class Line:
    """`marks` is a glyph for each character: ○ level, ● oblique, ⊙ either, △ a level rhyme, ▲ an oblique one; empty
    where the form has no tones. `size` is how many syllables, where the form counts those; `rhyme` a letter for those
    that rhyme.
    """

    text: str
    marks: str = ""
    size: str = ""
    rhyme: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One pattern of a form and its poem. `opening` tells it from others: how it begins, or how it rhymes. Between
    stanzas stands an empty line; `language` is the poem's.
    """

    opening: str
    author: str
    when: str
    title: str
    language: str
    lines: tuple[Line, ...]


@cache
def lessons(form: str, reader: str) -> tuple[Lesson, ...]:
    """The lessons of a form, the most usual opening first. `reader` is the language of who reads, "zh" or "en"."""
    rows = [row for row in _table() if row[0] == form]
    fitting = [row for row in rows if row[2] == reader] or rows
    return tuple(_lesson(form, opening, *rest) for _, opening, _, *rest in fitting)


@cache
def _table() -> list[list[str]]:
    text = (resources.files("inference.verse") / "data" / "examples.txt").read_text("utf-8")
    return [row.split("\t") for row in text.splitlines() if not row.startswith("#")]


def _lesson(form: str, opening: str, language: str, author: str, when: str, title: str, lines: str) -> Lesson:
    texts = lines.split("/")
    patterns, sizes, rhymes = (iter(each) for each in (_patterns(form, opening), _sizes(form), _rhymes(form, opening)))
    told = tuple(
        Line(text, next(patterns, ""), next(sizes, ""), next(rhymes, "")) if text else Line("") for text in texts
    )
    return Lesson(opening, author, when, title, language, told)


def _sizes(form: str) -> list[str]:
    """The syllables of each line, or of a haiku in any language what it counts."""
    return [
        str(least) if least == most else f"{least}–{most}"
        for least, most in (PLANS[form].lines if form in PLANS else ())
    ]


def _rhymes(form: str, scheme: str) -> str:
    return scheme if form in PLANS else ""


def _regulated(form: str, opening: str) -> tuple[str, ...]:
    size = FORMS[form]
    return metre.pattern(size.lines or 0, size.characters or 0, opening)


def _tune(form: str, opening: str) -> tuple[str, ...]:
    return cipu.glyphs(form)


def _couplet(form: str, opening: str) -> tuple[str, ...]:
    """Of lines of seven: the pattern whose second place has the tone that the opening is named after."""
    first = next(pattern for pattern in duilian.PATTERNS[duilian.SIZE] if pattern[1] == opening[0])
    return first, first.translate(duilian.OPPOSITE)


_PATTERNS: Mapping[str, Callable[[str, str], tuple[str, ...]]] = {
    "regulated": _regulated,
    "ci": _tune,
    "duilian": _couplet,
}


def _patterns(form: str, opening: str) -> list[str]:
    """The glyphs of each line, as the maker of the form's family has them."""
    pattern = _PATTERNS.get(FORMS[form].family)
    return [tones.translate(GLYPHS) for tones in pattern(form, opening)] if pattern else []
