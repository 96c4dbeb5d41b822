"""What became of a rating, in plain words: for the writer who gave it."""

from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from training.pairs import Reason
from writingapp.models import Adapter, Candidate, Pair, Rating, TrainingRun, Trial

Fate, State = Rating.Fate, TrainingRun.State

FATES: dict[str, Promise] = {
    Fate.WAITING: _("It waits for the night, when pairs are made."),
    Fate.NO_CONSENT: _("It stays with you and trains nothing."),
    Fate.NOT_PAIRED: _("It made no pair."),
    Fate.HELD: _("It made a pair that is held back until a reviewer has looked at it."),
    Fate.PAIRED: _("It made a pair, which waits for review."),
    Fate.APPROVED: _("It made a pair, which was approved."),
    Fate.DISCARDED: _("It made a pair, which was discarded."),
    Fate.TRAINED: _("It made a pair, and a model was trained on it."),
    Fate.WITHDRAWN: _("You took it back."),
}
ALONE = _("It made no pair. A model was trained on it alone.")

REASONS: dict[str, Promise] = {
    Reason.SAME_TEXT: _("The two texts are the same."),
    Reason.TOO_CLOSE: _("The two texts hardly differ."),
    Reason.DEGENERATE: _("One of the texts only repeats itself."),
    Reason.OUT_OF_FORM: _("The one you preferred breaks its form."),
    Reason.COPIED: _("The one you preferred has a line that an old poet wrote."),
    Reason.CONTRADICTED: _("Another rating of yours says the opposite."),
    Reason.OVERTAKEN: _("A later rating of yours says it anew."),
    Reason.CAPPED_INSPIRATION: _("This inspiration has made as many pairs as one may."),
    Reason.CAPPED_WRITER: _("You have made as many pairs as one writer may in a night."),
    Reason.TIE: _("You found both equally good, and a pair needs a better one."),
    Reason.BOTH_BAD: _("You found neither good, and a pair needs a better one."),
    Reason.AGAIN: _("The same two once more: it shows how steady a judgement is, and trains nothing."),
    Reason.SWAPPED_ONCE: _("Shown the other way round, you chose the other one."),
    Reason.NO_PARTNER: _("There is no other rated text to set beside it."),
    Reason.LINE_ALONE: _("A single line has nothing beside it to be better than."),
    Reason.UNFINISHED: _("One of the texts was not finished."),
    # why reviewers discard: the codes of the desk
    "wrong_way": _("A reviewer found the other one better."),
    "both_weak": _("A reviewer found both too weak to learn from."),
    "off_form": _("A reviewer found that the one you preferred breaks its form."),
    "off_topic": _("A reviewer found the one you preferred beside the wish."),
    "copied_old": _("A reviewer found an old poem in it."),
    "garbled": _("A reviewer found it garbled."),
    "harmful": _("A reviewer found it hurtful."),
    "private": _("A reviewer found a real person in it."),
    "other": _("A reviewer had another reason."),
}


@dataclass(frozen=True, slots=True)
class Walk:
    """A training that saw a pair of it, and what that came to."""

    adapter: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A rating as the ledger tells it."""

    rating: Rating
    chosen: list[Candidate]  # what stands open: the better one, the scored one, or both where neither is better
    rejected: list[Candidate]
    line: str
    fate: str
    why: list[str]
    pairs: list[str] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)


def because(code: str) -> str:
    """A reason in the active language; empty for a code that has no sentence."""
    return str(REASONS.get(code, ""))


def with_fates(ratings: QuerySet[Rating]) -> QuerySet[Rating]:
    """With all rows that an entry tells of, in a handful of queries."""
    return ratings.select_related("inspiration", "candidate").prefetch_related(
        "inspiration__candidates", "pairs__runs__adapter__challenges", "runs__adapter__challenges"
    )


def entry(rating: Rating) -> Entry:
    texts = list(rating.inspiration.candidates.all())
    chosen = [text for text in texts if rating.candidate_id in (None, text.pk)]
    others = [text for text in texts if text not in chosen] if rating.kind == Rating.Kind.PREFER else []
    lines = rating.candidate.text.rstrip().split("\n") if rating.candidate else []
    pairs = list(rating.pairs.all())
    why = dict.fromkeys(filter(None, map(because, [rating.reason, *(pair.reason for pair in pairs)])))
    return Entry(
        rating=rating,
        chosen=chosen,
        rejected=others,
        line=lines[rating.line] if rating.line is not None and rating.line < len(lines) else "",
        fate=str(ALONE if rating.fate == Fate.TRAINED and rating.reason else FATES[rating.fate]),
        why=list(why) if rating.fate != Fate.WITHDRAWN else [],
        pairs=[pair.get_state_display() for pair in pairs],
        walks=_walks(rating, pairs),
    )


def _walks(rating: Rating, pairs: list[Pair]) -> list[Walk]:
    found = [*rating.runs.all(), *(run for pair in pairs for run in pair.runs.all())]
    runs = {run.pk: run for run in found}
    return [Walk(run.adapter_id or "", _outcome(run)) for run in runs.values()]


def _outcome(run: TrainingRun) -> str:
    """What a run came to. An adapter that has seen what was taken back since is on its way out."""
    adapter = run.adapter
    if adapter and adapter.tainted_at:
        return str(_("has seen a rating that was taken back, and is being retired"))
    if adapter and adapter.state == Adapter.State.SERVING:
        return str(_("writes now"))
    if run.why == "trial" and adapter:
        stands = any(trial.state == Trial.State.RUNNING for trial in adapter.challenges.all())
        said = _("passed the gate, and stands a blind trial"), _("passed the gate, and stood a blind trial")
        return str(said[0] if stands else said[1])
    return str(run.get_state_display())
