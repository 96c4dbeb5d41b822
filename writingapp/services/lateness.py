"""Which characters of a manuscript came after time was up."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from writingapp.services.manuscripts import difference

MOST_COMPARED = 4_000_000  # pairs of characters; beyond, all between the first and the last change counts as late
LEAST_KEPT = 4  # characters; a shorter run that happens to agree is no sign that she kept it


@dataclass(frozen=True, slots=True)
class Span:
    """A run of characters from before or after the end."""

    text: str
    late: bool


def paragraphs(*, on_time: str, text: str) -> list[list[Span]]:
    """The manuscript line by line, each line in runs; an empty line has none."""
    lines: list[list[Span]] = [[]]
    for span in _spans(on_time, text):
        first, *further = span.text.split("\n")
        _append(lines[-1], first, late=span.late)
        for line in further:
            lines.append([])
            _append(lines[-1], line, late=span.late)
    return lines


def _append(line: list[Span], text: str, *, late: bool) -> None:
    if text:
        line.append(Span(text, late))


def _spans(on_time: str, text: str) -> list[Span]:
    if on_time == text:
        return [Span(text, late=False)]
    splice = difference(on_time, text)
    end = splice.start + len(splice.text)
    between = _compare(on_time[splice.start : splice.end], splice.text)
    return [Span(text[: splice.start], late=False), *between, Span(text[end:], late=False)]


def _compare(before: str, after: str) -> list[Span]:
    if not before or len(before) * len(after) > MOST_COMPARED:
        return [Span(after, late=True)]
    spans, reached = [], 0
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        if block.size < LEAST_KEPT:
            continue
        spans.append(Span(after[reached : block.b], late=True))
        reached = block.b + block.size
        spans.append(Span(after[block.b : reached], late=False))
    return [*spans, Span(after[reached:], late=True)]
