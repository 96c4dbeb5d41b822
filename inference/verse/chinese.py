"""Modern verse and haiku in Chinese with what she asks of them besides: lines, their length, heads, words, kept lines.

Such a poem has so many lines as were drawn for it. Words stand in lines of their own, as far as there are enough.
"""

from random import Random
from typing import Any

from inference.verse import asked, example, shape
from inference.verse.characters import HAN, LAST, LEANING
from inference.verse.held import Held
from inference.verse.options import Impossible, Options
from inference.verse.shape import Shape

HAIKU = (5, 7, 5)
LONGEST = 16  # characters a line of modern verse where she names no length
USUAL = range(6, 11)  # lines of it
_HAN, _LAST, _BREAK = shape.one_of(HAN), shape.one_of(LAST), shape.text("\n")
_MARK = shape.maybe(shape.one_of("，。？；"))


def wants(options: Options) -> bool:
    """Whether she asks for anything that a poem has to be made for."""
    return bool(options.told().keys() - {"script"})


def draw(held: Held, seed: str) -> dict[str, Any]:
    """Where everything stands. Raises `Impossible`."""
    options, dice = held.options, Random(seed)  # noqa: S311 - not a secret
    if held.form == "haiku":
        return {"placed": asked.place(options, HAIKU, _fits, dice)}
    fewest = 1 + max((at for at, _ in options.pins), default=0)
    lines = options.lines or len(options.head) or max(dice.choice(USUAL), fewest)
    if options.head and len(options.head) != lines:
        raise Impossible("head", "count", str(lines))
    _check_pins(options, lines)
    return {"lines": lines, "words": _words(options, lines, dice)}


def _fits(line: int, place: int, char: str) -> bool:
    return place < HAIKU[line] - 1 or char not in LEANING


def _check_pins(options: Options, lines: int) -> None:
    for at, text in options.pins:
        if at >= lines:
            raise Impossible("pins", "line")
        if not text or len(text) > (options.size or 2 * LONGEST) or "\n" in text:
            raise Impossible("pins", "form", text)
        if options.head and text[0] != options.head[at]:
            raise Impossible("pins", "crowded", text)


def _words(options: Options, lines: int, dice: Random) -> list[tuple[int, str]]:
    """Which line each word stands in."""
    kept = dict(options.pins)
    words = [word for word in options.words if not any(word in text for text in kept.values())]
    limit = options.size or LONGEST
    found: list[tuple[int, str]] = []
    for word in sorted(words, key=len, reverse=True):
        taken = {line for line, _ in found} | kept.keys()
        free = [line for line in range(lines) if line not in taken and len(_head(options, line, word) + word) <= limit]
        if not free:
            raise Impossible("words", "long" if len(word) > limit else "crowded", word)
        found.append((dice.choice(free), word))
    return found


def _head(options: Options, line: int, word: str = "") -> str:
    """What begins a line before a word; the word itself may begin with it."""
    head = options.head[line : line + 1]
    return "" if word[:1] == head else head


def whole(held: Held) -> Shape:
    """The shape of a poem."""
    if held.form == "haiku":
        lines = [[_HAN] * (size - 1) + [_LAST] for size in HAIKU]
        parts = [part for line in asked.hold(lines, held.drawn["placed"]) for part in (*line, _BREAK)]
        return shape.row(*parts[:-1])
    between = _BREAK if held.options.pins else shape.run(_BREAK, 1, 2)
    kept = dict(held.options.pins)
    made = [
        shape.row(shape.text(kept[at]) if at in kept else _line(held, at), _MARK) for at in range(held.drawn["lines"])
    ]
    return shape.row(made[0], *(part for line in made[1:] for part in (between, line)))


def _line(held: Held, at: int) -> Shape:
    """One line without its mark: its head, its words, and what else has room."""
    options = held.options
    words = [word for line, word in held.drawn["words"] if line == at]
    head = _head(options, at, words[0] if words else "")
    limit = options.size or LONGEST
    if words:
        (word,) = words
        room = limit - len(head) - len(word)
        before = room // 2
        return shape.row(
            shape.text(head), shape.run(_HAN, 0, before), shape.text(word), shape.run(_HAN, 0, room - before)
        )
    if head or options.size:
        return shape.row(shape.text(head), shape.run(_HAN, 2 - len(head), limit - len(head)))
    second = shape.maybe(shape.one_of("，、"), shape.run(_HAN, 1, 14))
    return example.unlike("free", "zh", shape.row(shape.run(_HAN, 2, limit), second))


def instead(held: Held, poem: str, at: int) -> Shape:
    """Another line in the place of line `at`, without its mark."""
    lines = poem.split("\n")
    if held.form == "haiku":
        size = HAIKU[at]
        kept = asked.beside(held.drawn["placed"], at, size)
        return asked.another(asked.hold_line([_HAN] * (size - 1) + [_LAST], kept, at), lines[at][:size])
    row = sum(map(bool, lines[:at]))  # an empty line stands between stanzas
    line = _line(held, row)
    named = {word[0] for place, word in held.drawn["words"] if place == row}
    starts = shape.heads(line) - {lines[at][0]} - named
    return shape.row(shape.one_of("".join(starts)), shape.after(line, min(starts))) if starts else line


def conforms(held: Held, text: str) -> bool:
    """Whether a poem has all that she asked for besides its form. Knows nothing of the shapes."""
    options = held.options
    lines = [line.rstrip("，。？；") for line in text.split("\n") if line]
    if options.lines and len(lines) != options.lines:
        return False
    if options.size and held.form == "free" and max(map(len, lines)) > options.size:
        return False
    return (
        (not options.head or "".join(line[:1] for line in lines) == options.head)
        and all(any(word in line for line in lines) for word in options.words)
        and all(at < len(lines) and lines[at] == kept for at, kept in options.pins)
    )
