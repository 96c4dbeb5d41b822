"""What may be asked of which form, before anything is drawn: options that it takes, counts, names, characters."""

import re
from collections.abc import Iterator

from inference.verse.options import BOOKS, FREE, SCRIPTS, Impossible, Options
from inference.verse.registry import FORMS, family_of

MOST_WORDS = 4
LINES = range(4, 21)  # of free verse
SIZES = {"free": range(4, 25), "duilian": range(5, 12)}  # characters a line, where she may choose
HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")

_REGULATED = frozenset({"head", "rhyme", "book", "words", "script", "strict", "pins"})
# By family, or by the name of a form whose family does not say it all; then by language.
TAKES: dict[str, frozenset[str]] = {
    "regulated": _REGULATED,
    "ci": _REGULATED - {"strict", "book"},
    "duilian": frozenset({"head", "words", "script", "size", "pins"}),
    "english": frozenset({"head", "words", "pins"}),
    "haiku": frozenset({"head", "words", "script", "pins"}),
    "free": frozenset({"head", "words", "script", "lines", "size", "pins"}),
}


def takes(form: str, language: str) -> frozenset[str]:
    """The options that a form takes in a language. What is no poem takes a script only."""
    if form not in FORMS:
        return frozenset({"script"} if language == "zh" else ())
    family = family_of(form, language)
    if language == "en":
        return TAKES["english"] if family == "english" else frozenset({"lines"} if form == "free" else ())
    return TAKES.get(form) or TAKES.get(family, frozenset())


def faults(form: str, language: str, options: Options) -> Iterator[Impossible]:
    """What is wrong with an ask whatever is drawn, at most once a field."""
    if options == FREE:
        return
    taken = takes(form, language)
    for name in options.told():
        if name not in taken and not (name == "script" and language == "en"):
            yield Impossible(name, "not_taken")
    for check in (_head, _names, _counts, _words, _pins):
        yield from (fault for fault in check(form, language, options) if fault.field in taken)


def _lines(form: str, options: Options) -> int:
    """How many lines a poem will have; 0 where that is not known here."""
    return (FORMS[form].lines or 0) if form in FORMS and form != "free" else options.lines


def _head(form: str, language: str, options: Options) -> Iterator[Impossible]:
    head, lines = options.head, _lines(form, options)
    if language == "zh" and head and not HAN.fullmatch(head):
        yield Impossible("head", "unknown", HAN.sub("", head)[0])
    elif head and lines and len(head) != lines:
        yield Impossible("head", "count", str(lines))
    elif head and form == "free" and len(head) not in LINES:
        yield Impossible("head", "range", f"{LINES[0]}–{LINES[-1]}")


def _names(form: str, language: str, options: Options) -> Iterator[Impossible]:
    if options.book not in BOOKS:
        yield Impossible("book", "unknown", options.book)
    if options.script not in SCRIPTS:
        yield Impossible("script", "unknown", options.script)


def _counts(form: str, language: str, options: Options) -> Iterator[Impossible]:
    if options.size and form in SIZES and options.size not in SIZES[form]:
        yield Impossible("size", "range", f"{SIZES[form][0]}–{SIZES[form][-1]}")
    if options.lines and options.lines not in LINES:
        yield Impossible("lines", "range", f"{LINES[0]}–{LINES[-1]}")


def _words(form: str, language: str, options: Options) -> Iterator[Impossible]:
    if len(options.words) > MOST_WORDS:
        yield Impossible("words", "many", str(MOST_WORDS))
    elif language == "zh":
        strange = next((word for word in options.words if not HAN.fullmatch(word)), None)
        longest = longest_line(form, options)
        long = next((word for word in options.words if longest and len(word) > longest), None)
        if strange is not None:
            yield Impossible("words", "unknown", strange)
        elif long:
            yield Impossible("words", "long", long)


def longest_line(form: str, options: Options) -> int:
    """The characters of a form's longest line; 0 where only its family knows."""
    if form == "haiku":
        return 7
    return (FORMS[form].characters if form in FORMS else None) or options.size or (16 if form == "free" else 0)


def _pins(form: str, language: str, options: Options) -> Iterator[Impossible]:
    lines, places = _lines(form, options), [at for at, _ in options.pins]
    if len(places) != len(set(places)) or any(at < 0 or at >= (lines or LINES[-1] + 20) for at in places):
        yield Impossible("pins", "line")
    elif lines and len(set(places)) == lines:
        yield Impossible("pins", "all")
