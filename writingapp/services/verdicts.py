"""What the checker says of a finished poem as she has it, and which of its lines were written long ago."""

from dataclasses import dataclass

from inference.request import Kind
from inference.verse import known
from inference.verse.check import SIZES, Verdict, check
from inference.verse.held import Held
from inference.verse.known import Source
from writingapp.models import Candidate
from writingapp.refusals import Refusal
from writingapp.services import swapping


@dataclass(frozen=True, slots=True)
class Judged:
    """`verdict` is None where a form has nothing to judge; `book` is its rhyme book; `sources` are by line, from 0."""

    poem: str
    verdict: Verdict | None
    book: str
    sources: dict[int, Source]


def judge(*, candidate: Candidate) -> Judged:
    """Judge a text with every line in it that she chose instead. Raises Refusal: not_finished."""
    if candidate.status != Candidate.Status.DONE:
        raise Refusal("not_finished", str(candidate.pk))
    poem = swapping.as_kept(candidate)
    found = {at: known.source(line) for at, line in enumerate(poem.split("\n"))}
    held = Held.of(candidate.sampling["constraint"])
    return Judged(
        poem, _verdict(candidate, held, poem), held.options.book, {at: source for at, source in found.items() if source}
    )


def _verdict(candidate: Candidate, held: Held, poem: str) -> Verdict | None:
    if candidate.inspiration.kind != Kind.POEM:
        return None
    return check(poem, held.form, strict=held.options.strict) if held.form in SIZES else None
