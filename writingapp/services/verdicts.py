"""What the checkers say of a finished poem as she has it, and which of its lines were written long ago."""

from dataclasses import dataclass

from inference.request import Kind
from inference.verse import known
from inference.verse.check import Verdict
from inference.verse.held import Held
from inference.verse.judging import verdict_of
from inference.verse.known import Source
from inference.verse.options import Options
from writingapp.models import Candidate
from writingapp.refusals import Refusal
from writingapp.services import swapping


@dataclass(frozen=True, slots=True)
class Judged:
    """`verdict` is None where nothing is to be judged; `options` are what she asks still; `sources` by line, from 0."""

    poem: str
    verdict: Verdict | None
    options: Options
    sources: dict[int, Source]


def judge(*, candidate: Candidate) -> Judged:
    """Judge a text with every line in it that she chose instead, also of one that was to stay.

    Raises Refusal: not_finished.
    """
    if candidate.status != Candidate.Status.DONE:
        raise Refusal("not_finished", str(candidate.pk))
    poem = swapping.as_kept(candidate)
    held = Held.of(candidate.sampling["constraint"])
    options = swapping.asked_still(held.options, candidate.text, poem)
    is_poem = candidate.inspiration.kind == Kind.POEM
    verdict = verdict_of(held.form, poem, held.language, options) if is_poem else None
    found = {at: known.source(line) for at, line in enumerate(poem.split("\n"))}
    return Judged(poem, verdict, options, {at: source for at, source in found.items() if source})
