"""Texts with a size and no tune: free verse, Chinese haiku, English stanzas, and what is no poem at all."""

from collections.abc import Callable
from string import ascii_letters, ascii_lowercase
from typing import Any

from inference.verse import chinese, example, shape
from inference.verse.characters import HAN, LAST, LEANING
from inference.verse.held import Held
from inference.verse.registry import language_in
from inference.verse.seen import seen
from inference.verse.shape import Shape

MARKS = "，。？；、,.;:?"  # what may end a line besides its words
_HAN, _LAST = shape.one_of(HAN), shape.one_of(LAST)
_BREAK = shape.text("\n")
_BREAKS = shape.run(_BREAK, 1, 2)  # two begin a new stanza
_WORD = shape.row(shape.one_of(ascii_letters), shape.run(shape.one_of(ascii_lowercase + "'-"), 0, 13))


def line_of(characters: int) -> Shape:
    return shape.row(shape.run(_HAN, characters - 1, characters - 1), _LAST)


def couplets(lines: int, characters: int) -> Shape:
    """Verse of this size without a tune: what poems were held to before there were tunes."""
    line = line_of(characters)
    couplet = shape.row(line, shape.text("，\n"), line, shape.text("。"))
    return shape.row(couplet, *[shape.row(_BREAK, couplet)] * (lines // 2 - 1))


def _chinese_haiku() -> Shape:
    short, long = (example.unlike("haiku", "zh", line_of(size)) for size in (5, 7))
    return shape.row(short, _BREAK, long, _BREAK, short)


def _chinese_free() -> Shape:
    half = shape.run(_HAN, 1, 14)
    line = shape.row(
        shape.run(_HAN, 2, 16),
        shape.maybe(shape.one_of("，、"), half),
        shape.maybe(shape.one_of("，。？；")),
    )
    line = example.unlike("free", "zh", line)
    return shape.row(line, shape.run(shape.row(_BREAKS, line), 4, 11))


def _english_words(least: int, most: int) -> Shape:
    later = shape.row(shape.maybe(shape.one_of(",;:")), shape.text(" "), _WORD)
    return shape.row(_WORD, shape.run(later, least - 1, most - 1))


def _english_line(least: int, most: int) -> Shape:
    return shape.row(_english_words(least, most), shape.maybe(shape.one_of(",.;:?")))


def _english_free(least: int, most: int) -> Shape:
    return _stanzas(example.unlike("free", "en", _english_line(2, 12)), least, most)


def _stanzas(line: Shape, least: int, most: int) -> Shape:
    return shape.row(line, shape.run(shape.row(_BREAKS, line), least - 1, most - 1))


def _chinese_sentences(least: int, most: int) -> Shape:
    clause = shape.run(_HAN, 1, 20)
    sentence = shape.row(clause, shape.run(shape.row(shape.one_of("，、；："), clause), 0, 4), shape.one_of("。？"))
    return shape.run(sentence, least, most)


def _english_sentences(least: int, most: int) -> Shape:
    later = shape.row(shape.maybe(shape.one_of(",;:")), shape.text(" "), _WORD)
    sentence = shape.row(_WORD, shape.run(later, 1, 30), shape.one_of(".?"))
    return shape.row(sentence, shape.run(shape.row(shape.text(" "), sentence), least - 1, most - 1))


_SHAPES: dict[tuple[str, str], Callable[[], Shape]] = {
    ("haiku", "zh"): _chinese_haiku,
    ("free", "zh"): _chinese_free,
    ("free", "en"): lambda: _english_free(5, 12),
    ("english", "en"): lambda: _stanzas(_english_line(2, 12), 4, 8),
    # What is no poem has a shape too: it keeps out markup, and a model that would end before it began.
    ("line", "zh"): lambda: _chinese_sentences(1, 1),
    ("line", "en"): lambda: _english_sentences(1, 1),
    ("continue", "zh"): lambda: _chinese_sentences(2, 4),
    ("continue", "en"): lambda: _english_sentences(2, 4),
    ("seen", "zh"): lambda: seen("zh"),  # of a photograph
    ("seen", "en"): lambda: seen("en"),
}
SHAPES = {key: make() for key, make in _SHAPES.items()}


def draw(held: Held, wish: str, seed: str) -> dict[str, Any]:
    """Such a text has no tune: only what else she asks of it has to be drawn."""
    return chinese.draw(held, seed) if _asked_in_chinese(held) else {}


def _asked_in_chinese(held: Held) -> bool:
    return language_in(held.form, held.language) == "zh" and chinese.wants(held.options)


def follow(held: Held, written: str) -> Shape:
    """The shape of what may follow `written`. Raises `NoSuchBeginning`."""
    if _asked_in_chinese(held):
        return shape.follow(chinese.whole(held), written)
    if held.options.lines:
        return shape.follow(_english_free(held.options.lines, held.options.lines), written)
    return shape.follow(SHAPES[held.form, language_in(held.form, held.language)], written)


def instead(held: Held, poem: str, at: int) -> Shape:
    """The shape of another line in the place of line `at`, its mark too."""
    line = poem.split("\n")[at]
    bare = line.rstrip(MARKS)
    mark = shape.text(line[len(bare) :])
    if language_in(held.form, held.language) == "en":
        return shape.row(_english_words(2, 12), mark)
    if _asked_in_chinese(held):
        return shape.row(chinese.instead(held, poem, at), mark)
    if held.form == "free":
        free = shape.row(_HAN, shape.run(_HAN, 1, 15), shape.maybe(shape.one_of("，、"), shape.run(_HAN, 1, 14)))
        return shape.row(shape.unlike(free, [bare[0]]), mark)
    return shape.row(shape.unlike(line_of(len(bare)), [bare[0]]), mark)


def conforms(held: Held, text: str) -> bool:
    """Whether a finished poem has its form. Knows nothing of the shapes: the one is checked against the other."""
    lines, options = text.split("\n"), held.options
    if language_in(held.form, held.language) == "en":
        least, most = (4, 8) if held.form == "english" else (options.lines or 5, options.lines or 12)
        return _in_stanzas(text, least, most) and all(_is_english(line, 2, 12) for line in lines if line)
    if _asked_in_chinese(held) and not chinese.conforms(held, text):
        return False
    known = frozenset(HAN) | set(options.named())
    if held.form == "haiku":
        return len(lines) == 3 and all(_is_line(line, size, known) for line, size in zip(lines, (5, 7, 5), strict=True))
    least, most = (options.lines or 4, options.lines or 20) if _asked_in_chinese(held) else (5, 12)
    return _in_stanzas(text, least, most) and all(
        _is_free_line(line, known, max(16, options.size)) for line in lines if line
    )


def _in_stanzas(text: str, least: int, most: int) -> bool:
    """Whether it has so many lines, and at most one empty line between two of them."""
    lines = text.split("\n")
    return bool(lines[0] and lines[-1]) and "\n\n\n" not in text and least <= sum(map(bool, lines)) <= most


def _is_line(words: str, characters: int, known: frozenset[str]) -> bool:
    return len(words) == characters and known.issuperset(words) and words[-1] not in LEANING


def _is_free_line(line: str, known: frozenset[str], longest: int) -> bool:
    first, *second = line.rstrip("，。？；").replace("、", "，").split("，")
    if len(line) - len(line.rstrip("，。？；")) > 1 or len(second) > 1:
        return False
    return all(
        least <= len(half) <= most and known >= set(half)
        for half, least, most in zip((first, *second), (2, 1), (longest, 14), strict=False)
    )


def _is_english(line: str, least: int, most: int) -> bool:
    *words, last = (line[:-1] if line.endswith((",", ".", ";", ":", "?")) else line).split(" ")
    bare = [word[:-1] if word.endswith((",", ";", ":")) else word for word in words]
    return least <= len(words) + 1 <= most and all(map(_is_word, [*bare, last]))


def _is_word(word: str) -> bool:
    tail = word[1:].replace("'", "").replace("-", "")
    return (
        1 <= len(word) <= 14
        and word.isascii()
        and word[0].isalpha()
        and (not tail or (tail.isalpha() and tail.islower()))
    )
