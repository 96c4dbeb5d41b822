"""Decisions about pairs: one reviewer's word, what stands of all of them, and what it makes of a pair."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from writingapp.models import Pair, Rating, Review, User
from writingapp.refusals import Refusal
from writingapp.services import auditing
from writingapp.services.durable import durably

State, Decision, Fate = Pair.State, Review.Decision, Rating.Fate

REASONS: dict[str, Promise] = {  # why staff discard, in the order of the keys 1 to 9
    "wrong_way": _("the rejected text is the better one"),
    "both_weak": _("neither text teaches anything"),
    "off_form": _("the chosen text breaks its form"),
    "off_topic": _("the chosen text is beside the wish"),
    "copied_old": _("copied from an old poem"),
    "garbled": _("garbled"),
    "harmful": _("hurtful or harmful"),
    "private": _("tells of a real person"),
    "other": _("another reason"),
}
_FATES = {
    State.APPROVED: Fate.APPROVED,
    State.DISCARDED: Fate.DISCARDED,
    State.HELD: Fate.HELD,
    State.WAITING: Fate.PAIRED,
    State.FLAGGED: Fate.PAIRED,
}
_BEST_FIRST = (Fate.APPROVED, Fate.PAIRED, Fate.HELD, Fate.DISCARDED)


def checked(decision: str, reason: str) -> tuple[Review.Decision, str]:
    """A decision as a form says it; only discarding has a reason, and it must have one."""
    if decision not in Decision.values:
        raise Refusal("no_decision")
    if decision != Decision.DISCARD:
        return Decision(decision), ""
    if reason not in REASONS:
        raise Refusal("no_reason")
    return Decision.DISCARD, reason


@durably()
def decide(*, pair: Pair, reviewer: User, decision: str, reason: str, now: datetime) -> Pair:
    """Her word about the pair; an earlier one of hers stands no longer."""
    said, why = checked(decision, reason)
    row = Pair.objects.select_for_update().get(pk=pair.pk)
    if row.state == State.WITHDRAWN:
        raise Refusal("pair_withdrawn", str(row.pk))
    was = row.state
    row.reviews.filter(reviewer=reviewer, undone_at=None).update(undone_at=now)
    Review.objects.create(pair=row, reviewer=reviewer, decision=said, reason=why, created_at=now)
    settle([row], now)
    _note(reviewer, "pair.decided", row, now, decision=said, reason=why, was=was)
    return row


@durably()
def undo(*, reviewer: User, now: datetime) -> Pair:
    """Take back the last word she gave to a single pair; a batch is taken back whole, see services.batches."""
    last = Review.objects.filter(reviewer=reviewer, undone_at=None, batch=None).order_by("-created_at").first()
    if last is None:
        raise Refusal("nothing_to_undo")
    row = Pair.objects.select_for_update().get(pk=last.pair_id)
    was = row.state
    Review.objects.filter(pk=last.pk, undone_at=None).update(undone_at=now)
    if was != State.WITHDRAWN:
        settle([row], now)
    _note(reviewer, "pair.undone", row, now, decision=last.decision, was=was)
    return row


def _note(reviewer: User, action: str, row: Pair, now: datetime, **detail: object) -> None:
    auditing.note(reviewer, action, f"pair:{row.pk}", now=now, state=row.state, **detail)


def settle(rows: list[Pair], now: datetime) -> None:
    """Bring locked pairs and their ratings to what the standing reviews say."""
    standing: dict[object, list[Review]] = {row.pk: [] for row in rows}
    for review in Review.objects.filter(pair__in=rows, undone_at=None).order_by("created_at"):
        standing[review.pair_id].append(review)
    for row in rows:
        _settle(row, standing[row.pk], now)
    Pair.objects.bulk_update(rows, ["state", "reason", "held", "opinions", "agreement", "decided_at"], batch_size=200)
    _tell(rows)


def _settle(row: Pair, reviews: list[Review], now: datetime) -> None:
    if row.state in (State.HELD, State.WAITING):  # undecided: the night's word is in the row
        row.held = row.reason
    words = [review for review in reviews if review.decision in (Decision.APPROVE, Decision.DISCARD)]
    approving = sum(review.decision == Decision.APPROVE for review in words)
    row.opinions, larger = len(words), max(approving, len(words) - approving)
    row.agreement = larger / len(words) if len(words) > 1 else None
    row.state = _state(row, reviews, words)
    discarding = [review.reason for review in words if review.decision == Decision.DISCARD]
    row.reason = discarding[-1] if row.state == State.DISCARDED else row.held if row.state == State.HELD else ""
    row.decided_at = now if row.state in (State.APPROVED, State.DISCARDED) else None


def _state(row: Pair, reviews: list[Review], words: list[Review]) -> str:
    """Agreeing reviewers decide once there are enough of them; those who differ flag it, until one more tips it.

    A flag stands until somebody else says her word after it.
    """
    flags = [review.created_at for review in reviews if review.decision == Decision.FLAG]
    if flags and not (words and words[-1].created_at > flags[-1]):
        return State.FLAGGED
    if not words or (row.opinions < settings.REVIEWS_A_PAIR and row.agreement in (None, 1.0)):
        return State.HELD if row.held else State.WAITING
    approving = sum(review.decision == Decision.APPROVE for review in words)
    tipped = row.opinions > settings.REVIEWS_A_PAIR and approving * 2 != row.opinions
    if row.agreement in (None, 1.0) or tipped:
        return State.APPROVED if approving * 2 > row.opinions else State.DISCARDED
    return State.FLAGGED


def _tell(rows: Iterable[Pair]) -> None:
    """The ledger: a rating in several pairs has the best of their fates. What was withdrawn or trained on stays so."""
    ratings = Rating.objects.filter(pairs__in=list(rows)).exclude(fate__in=(Fate.WITHDRAWN, Fate.TRAINED)).distinct()
    changed = []
    for rating in ratings.prefetch_related("pairs"):
        reached = {_FATES[State(pair.state)]: pair.reason for pair in rating.pairs.all() if pair.state in _FATES}
        fate = next((fate for fate in _BEST_FIRST if fate in reached), None)
        if fate is not None:
            rating.fate, rating.reason = fate, reached[fate]
            changed.append(rating)
    Rating.objects.bulk_update(changed, ["fate", "reason"], batch_size=200)
