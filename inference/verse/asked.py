"""Line heads, words and kept lines in a row of lines, for every family whose lines have a size.

Where each of them stands is drawn once and kept in the row of the candidate, so that a poem goes on as it was begun:

    draw:     placed = asked.place(options, sizes, fits, dice)      # or asked.first over several tunes
              return {..., "placed": placed}
    follow:   lines = asked.once(lines, placed)       # where no character should stand twice
              lines = asked.hold(lines, held.drawn.get("placed", ()))   # each line a list, a shape a character
    instead:  placed = asked.standing(placed, lines)    # a line that was kept may have been swapped since
              line = asked.hold_line(line, asked.beside(placed, at, size), at)
              return asked.another(line, old)                           # other than the line that stands there

`fits(line, place, character)` is the family's word whether this character may stand there: in its tone, or in one of
its tones, since she asks for it by name; at a rhymed end, in its rhyme. Lines, places and characters count from 0.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import TypeAlias, TypeVar

from inference.verse import shape
from inference.verse.options import Impossible, Options
from inference.verse.shape import Chars, NoSuchBeginning, Shape

Fits: TypeAlias = Callable[[int, int, str], bool]
Placed: TypeAlias = list[tuple[int, int, str]]  # line, place in it, what stands from there on
Way = TypeVar("Way")
_Grid: TypeAlias = Mapping[tuple[int, int], str]

BREADTH = 4  # places tried for a word beside the others before its first places are given up


def place(options: Options, sizes: Sequence[int], fits: Fits, dice: Random, ends: Collection[int] = ()) -> Placed:
    """Where everything that she asks for stands in lines of these sizes. Raises `Impossible`.

    `ends` are the lines that may not end in the same character.
    """
    placed = _pinned(options, sizes, fits)
    grid = _grid(placed)
    if options.head and len(options.head) != len(sizes):
        raise Impossible("head", "count", str(len(sizes)))
    for line, char in enumerate(options.head):
        if grid.get((line, 0), char) != char:
            raise Impossible("pins", "crowded", next(text for at, _, text in placed if at == line))
        placed.append((line, 0, char))  # also in a kept line: whatever stands in its place has it too
    if wrong := [char for line, char in enumerate(options.head) if not fits(line, 0, char)]:
        raise Impossible("head", "tone", "".join(wrong))
    words = _words(options, sizes, fits, dice, _grid(placed), ends)
    if _twice(_grid(placed), sizes, ends):
        raise Impossible("pins", "crowded", placed[0][2])
    return placed + words


def first(ways: Iterable[Way], attempt: Callable[[Way], Placed]) -> tuple[Way, Placed]:
    """The first way in which everything stands. Raises `Impossible`, "crowded" if each way fails by something else."""
    faults: list[Impossible] = []
    for way in ways:
        try:
            return way, attempt(way)
        except Impossible as no:
            faults.append(no)
    last = faults[-1]
    if all((no.field, no.at) == (last.field, last.at) for no in faults):
        raise last
    if last.field == "head":  # told by character
        always = "".join(char for char in last.at if all(no.field == "head" and char in no.at for no in faults))
        raise Impossible("head", "tone" if always else "crowded", always or last.at)
    raise Impossible(last.field, "crowded", last.at)


def hold(lines: Sequence[Sequence[Shape]], placed: Iterable[Sequence[int | str]]) -> list[list[Shape]]:
    """The lines, with what is placed in them as it is."""
    held = [list(line) for line in lines]
    for (line, at), char in _grid(placed).items():
        held[line][at] = shape.one_of(char)
    return held


def once(lines: Sequence[Sequence[Shape]], placed: Iterable[Sequence[int | str]]) -> list[list[Shape]]:
    """The lines, from before `hold`, without what is placed in any of them: else a model says it at once, and twice."""
    named = frozenset(_grid(placed).values())
    if not named:
        return [list(line) for line in lines]
    without = {part: _less(part, named) for line in lines for part in line}
    return [[without[part] for part in line] for line in lines]


@lru_cache(maxsize=256)
def _less(part: Shape, named: frozenset[str]) -> Shape:
    left = _members(part) - named
    return shape.one_of("".join(left)) if left else part


def hold_line(line: Sequence[Shape], placed: Iterable[Sequence[int | str]], at: int) -> list[Shape]:
    """One line of them, line `at`."""
    held = list(line)
    for (_, place), char in ((spot, char) for spot, char in _grid(placed).items() if spot[0] == at):
        held[place] = shape.one_of(char)
    return held


def standing(placed: Iterable[Sequence[int | str]], lines: Mapping[int, str]) -> Placed:
    """What of it still stands in these lines, by their place: a line that was kept may have been swapped since."""
    return [
        (int(line), int(at), str(text))
        for line, at, text in placed
        if lines.get(int(line), "").startswith(str(text), int(at))
    ]


def beside(placed: Iterable[Sequence[int | str]], at: int, size: int) -> Placed:
    """What stays when line `at`, of `size` characters, is swapped: all but that the line itself was kept."""
    return [(int(line), int(spot), str(text)) for line, spot, text in placed if line != at or len(str(text)) < size]


def another(line: Sequence[Shape], old: str) -> Shape:
    """The line, other than `old` from the first character that may be another. Raises `NoSuchBeginning` if none may."""
    free = next((at for at, part in enumerate(line) if len(_members(part) - {old[at : at + 1]}) > 0), None)
    if free is None:
        raise NoSuchBeginning
    here = shape.one_of("".join(_members(line[free]) - {old[free]}))
    return shape.row(*line[:free], here, *line[free + 1 :])


def spread(words: Sequence[str], lines: Sequence[int], dice: Random) -> dict[int, list[str]]:
    """By line, for families whose lines have no size: which of the words stand in it, shared out over `lines`."""
    order = dice.sample(list(lines), len(lines))
    found: dict[int, list[str]] = {}
    for number, word in enumerate(words):
        found.setdefault(order[number % len(order)], []).append(word)
    return found


def _members(part: Shape) -> frozenset[str]:
    return part.members if isinstance(part, Chars) else shape.heads(part)


def _grid(placed: Iterable[Sequence[int | str]]) -> dict[tuple[int, int], str]:
    return {(int(line), int(at) + step): char for line, at, text in placed for step, char in enumerate(str(text))}


def _pinned(options: Options, sizes: Sequence[int], fits: Fits) -> Placed:
    placed: Placed = []
    for line, text in options.pins:
        if line >= len(sizes):
            raise Impossible("pins", "line")
        if len(text) != sizes[line] or not all(fits(line, at, char) for at, char in enumerate(text)):
            raise Impossible("pins", "form", text)
        placed.append((line, 0, text))
    return placed


def _words(
    options: Options, sizes: Sequence[int], fits: Fits, dice: Random, grid: _Grid, ends: Collection[int]
) -> Placed:
    kept = {word: (at, text.index(word)) for at, text in options.pins for word in options.words if word in text}
    words = [word for word in dict.fromkeys(options.words) if word not in kept]
    spots = {word: _spots(word, sizes, fits, dice) for word in words}
    for word in words:
        if len(word) > max(sizes):
            raise Impossible("words", "long", word)
        if not spots[word]:
            raise Impossible("words", "tone", word)
    ordered = sorted(words, key=lambda word: len(spots[word]))
    found = _put(ordered, spots, grid, Counter(), lambda grid: not _twice(grid, sizes, ends))
    if found is None:
        raise Impossible("words", "crowded", ordered[0])
    return found + [(line, at, word) for word, (line, at) in kept.items()]


def _spots(word: str, sizes: Sequence[int], fits: Fits, dice: Random) -> list[tuple[int, int]]:
    """Where a word may stand, by chance, those last where a pause of the line would cut it."""
    found = [
        (line, at)
        for line, size in enumerate(sizes)
        for at in range(size - len(word) + 1)
        if all(fits(line, at + step, char) for step, char in enumerate(word))
    ]
    return sorted(found, key=lambda spot: (_cut(spot[1], len(word), sizes[spot[0]]), dice.random()))


def _cut(at: int, length: int, size: int) -> bool:
    """Whether a word stands across the pause before the last three characters, or across a foot before that."""
    pause = size - 3
    if at >= pause or size < 5:
        return False
    return at + length > pause or (at - pause) % 2 == 1


def _put(
    words: Sequence[str],
    spots: Mapping[str, list[tuple[int, int]]],
    grid: _Grid,
    load: Counter[int],
    sound: Callable[[_Grid], bool],
) -> Placed | None:
    """A place for each of the words, over as many lines as may be; None if there is none."""
    if not words:
        return []
    word, *others = words
    open_ = [
        (line, at)
        for line, at in spots[word]
        if all(grid.get((line, at + step), char) == char for step, char in enumerate(word))
    ]
    for line, at in sorted(open_, key=lambda spot: load[spot[0]])[:BREADTH]:
        ahead = dict(grid) | {(line, at + step): char for step, char in enumerate(word)}
        if sound(ahead):
            found = _put(others, spots, ahead, load + Counter([line]), sound)
            if found is not None:
                return [(line, at, word), *found]
    return None


def _twice(grid: _Grid, sizes: Sequence[int], ends: Collection[int]) -> bool:
    """Whether two of these lines end in the same character."""
    said = [grid[line, sizes[line] - 1] for line in ends if (line, sizes[line] - 1) in grid]
    return len(said) != len(set(said))
