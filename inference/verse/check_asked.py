"""Judges what a writer asked for besides the form: line heads (藏头), words (意象), lines that stay (留句)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inference.verse.check import Fault, Verdict, bare
from inference.verse.folding import fold
from inference.verse.options import Options


def with_asked(verdict: Verdict, options: Options, clauses: Sequence[str] = ()) -> Verdict:
    """The verdict, and what of her wishes is not in the poem; either script is the same, and marks do not count.

    `clauses` are where a word may stand if marks stand within lines: in one of them, not across a mark.
    """
    lines = [fold(line.text) for line in verdict.lines]
    missing = list(_missing(lines, [fold(clause) for clause in clauses] or lines, options))
    faults = tuple(sorted((*verdict.faults, *missing), key=lambda fault: (fault.line or 0, fault.place or 0)))
    return replace(verdict, faults=faults, right=not faults)


def _missing(lines: Sequence[str], clauses: Sequence[str], options: Options) -> Iterator[Fault]:
    for at, char in enumerate(options.head):
        if at >= len(lines) or lines[at][:1] != fold(char):
            yield Fault("藏头", at + 1 if at < len(lines) else None, 1 if at < len(lines) else None, char)
    for word in options.words:
        if not any(fold(word) in clause for clause in clauses):
            yield Fault("意象", what=word)
    for at, kept in options.pins:
        if at >= len(lines) or lines[at] != bare(fold(kept)):
            yield Fault("留句", at + 1 if at < len(lines) else None, what=kept)
