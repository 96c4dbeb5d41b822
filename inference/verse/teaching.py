"""What a form is held to, for whoever learns it: the pattern poems are made by, over a poem of old that keeps it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from inference.verse import metre
from inference.verse.registry import FORMS

GLYPHS = str.maketrans({"平": "○", "仄": "●", "·": "⊙", "韵": "△"})


@dataclass(frozen=True, slots=True)
class Line:
    """`marks` is a glyph for each character: ○ level, ● oblique, ⊙ either, △ a level rhyme, ▲ an oblique one; empty
    where the form has no tones. `size` is its characters or syllables where the form counts them.
    """

    text: str
    marks: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One pattern of a form and its poem. An empty line stands between stanzas; `language` is the poem's."""

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
    patterns = iter(_patterns(form, opening) or [""] * len(texts))
    sizes = iter(SIZES.get(form, ()))
    told = tuple(Line(text, next(patterns, ""), next(sizes, "")) if text else Line("") for text in texts)
    return Lesson(opening, author, when, title, language, told)


SIZES: Mapping[str, tuple[str, ...]] = {"haiku": ("5", "7", "5")}


def _regulated(form: str, opening: str) -> tuple[str, ...]:
    size = FORMS[form]
    return metre.pattern(size.lines or 0, size.characters or 0, opening)


_PATTERNS: Mapping[str, Callable[[str, str], tuple[str, ...]]] = {"regulated": _regulated}


def _patterns(form: str, opening: str) -> list[str]:
    """The glyphs of each line, as the maker of the form's family has them."""
    pattern = _PATTERNS.get(FORMS[form].family)
    return [tones.translate(GLYPHS) for tones in pattern(form, opening)] if pattern else []
