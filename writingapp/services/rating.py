"""A writer judges: says it, changes her mind, takes it back, lets it train or not.

Each verb is one transaction, and is on the disk when it is answered: what she took back must not come again.
Whoever judges holds the inspiration's row, so that two tabs are heard one after the other; whoever changes a rating
holds its row too. What a rating said before stands in its `history`.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, User
from writingapp.models.feedback import TAGS
from writingapp.refusals import Refusal
from writingapp.services import promoting
from writingapp.services.durable import durably

Kind, Fate = Rating.Kind, Rating.Fate
LONGEST_MS = 2**31 - 1  # what the column holds: 24 days
PAIRED = (Fate.HELD, Fate.PAIRED, Fate.APPROVED, Fate.DISCARDED, Fate.TRAINED)


@dataclass(frozen=True, slots=True)
class _Said:
    """A judgement that may be written down. `tags` None leaves them as they are."""

    kind: str
    candidate_id: uuid.UUID | None
    score: int | None
    tags: list[str] | None
    latency_ms: int | None


@durably()
def compare(
    *,
    user: User,
    inspiration: Inspiration,
    kind: str,
    better: Candidate | None,
    tags: Iterable[str] | None,
    now: datetime,
    again: bool = False,
) -> Rating:
    """One of two texts is better, or none is. `again`: the same two, shown in the other order days later.

    Raises Refusal: rating_off, unknown_tag, malformed, not_found, no_two, not_finished, nothing_to_rate.
    """
    swapping = inspiration.kind == Inspiration.Kind.SWAP  # a choice of hers, whether she rates or not
    chosen = None if swapping else _tags(user, tags)
    texts = _held(inspiration)
    if len(texts) != 2:
        raise Refusal("no_two", str(inspiration.pk))
    _check_finished(texts)
    if kind not in Rating.COMPARING or (kind == Kind.PREFER) != (better is not None):
        raise Refusal("malformed", str(inspiration.pk))
    if better is not None and better.pk not in {text.pk for text in texts}:
        raise Refusal("not_found", str(better.pk))
    row = (
        Rating.objects.select_for_update()
        .filter(inspiration=inspiration, kind__in=Rating.COMPARING, again=again)
        .first()
    ) or Rating(user=user, inspiration=inspiration, again=again, swapped=again)
    latency = None if again else _latency(texts, now)
    return _say(row, _Said(kind, better.pk if better else None, None, chosen, latency), user, now)


@durably()
def score(
    *, user: User, candidate: Candidate, line: int | None, score: int, tags: Iterable[str] | None, now: datetime
) -> Rating:
    """One to five for a text, or for one of its lines, counted from 0.

    Raises Refusal: rating_off, unknown_tag, bad_score, no_such_line, not_finished, nothing_to_rate.
    """
    chosen = _tags(user, tags)
    text = next(text for text in _held(candidate.inspiration) if text.pk == candidate.pk)
    _check_finished([text])
    if not 1 <= score <= 5:
        raise Refusal("bad_score", str(text.pk))
    if line is not None and not 0 <= line < len(lines_of(text)):
        raise Refusal("no_such_line", str(text.pk))
    row = Rating.objects.select_for_update().filter(candidate=text, line=line, kind=Kind.SCORE).first() or Rating(
        user=user, inspiration_id=text.inspiration_id, line=line
    )
    return _say(row, _Said(Kind.SCORE, text.pk, score, chosen, _latency([text], now)), user, now)


def lines_of(candidate: Candidate) -> list[str]:
    """The lines as the page shows them."""
    return candidate.text.rstrip().split("\n")


def _tags(user: User, tags: Iterable[str] | None) -> list[str] | None:
    if not user.rates:
        raise Refusal("rating_off")
    if tags is None:
        return None
    wanted = set(tags)
    if wanted - set(TAGS):
        raise Refusal("unknown_tag")
    return [tag for tag in TAGS if tag in wanted]


def _held(inspiration: Inspiration) -> list[Candidate]:
    """Its texts; until the transaction ends nobody else judges them."""
    Inspiration.objects.select_for_update().only("pk").get(pk=inspiration.pk)
    return list(inspiration.candidates.all())


def _check_finished(texts: list[Candidate]) -> None:
    for text in texts:
        if text.status not in Candidate.TERMINAL:
            raise Refusal("not_finished", str(text.pk))
        if not text.text.strip():
            raise Refusal("nothing_to_rate", str(text.pk))


def _latency(texts: list[Candidate], now: datetime) -> int | None:
    """From when the last of them was finished, by our clock."""
    ends = [text.finished_at for text in texts if text.finished_at]
    return max(0, min(LONGEST_MS, int((now - max(ends)).total_seconds() * 1000))) if ends else None


def _say(row: Rating, said: _Said, user: User, now: datetime) -> Rating:
    """Write a judgement into its row. The same word again changes nothing."""
    new, given_again = row._state.adding, row.withdrawn_at is not None
    before = (row.kind, row.candidate_id, row.score)
    tags = (row.tags if said.tags is None and not given_again else said.tags) or []
    judged = new or given_again or before != (said.kind, said.candidate_id, said.score)
    if not judged and tags == row.tags:
        return row
    if new:
        row.created_at = now
    else:
        _remember(row)
    row.kind, row.candidate_id, row.score, row.tags = said.kind, said.candidate_id, said.score, tags
    row.updated_at, row.withdrawn_at = now, None
    if new or given_again:
        row.consent = user.consents is True and not row.again
    if judged:
        row.latency_ms = said.latency_ms
        _await_the_night(row)
    row.save()
    if judged and not new:
        _unpair(Rating.objects.filter(pk=row.pk))
    return row


def _remember(row: Rating) -> None:
    row.history = [
        *row.history,
        {
            "at": row.updated_at.isoformat(),
            "kind": row.kind,
            "candidate": str(row.candidate_id) if row.candidate_id else None,
            "score": row.score,
            "tags": row.tags,
            "consent": row.consent,
        },
    ]


def _await_the_night(row: Rating) -> None:
    """What becomes of a judgement that no night has looked at yet."""
    row.fate, row.reason = (Fate.WAITING if row.consent else Fate.NO_CONSENT), ""
    if row.again:
        row.fate, row.reason = Fate.NOT_PAIRED, "again"


# --- taking back, and consent ----------------------------------------------------------------------------------------
@durably()
def withdraw(*, rating: Rating, now: datetime) -> Rating:
    """As if it had not been said, but for its history. She may judge anew."""
    row = Rating.objects.select_for_update().get(pk=rating.pk)
    if row.withdrawn_at is None:
        _take_back(row, now)
        row.save()
        _leave_training(Rating.objects.filter(pk=row.pk), now)
    return row


@durably()
def withdraw_all(*, user: User, now: datetime) -> int:
    """All of hers; answers how many that were."""
    rows = list(Rating.objects.select_for_update().filter(user=user, withdrawn_at=None).order_by("pk"))
    for row in rows:
        _take_back(row, now)
    changed = ["history", "withdrawn_at", "updated_at", "consent", "fate", "reason"]
    Rating.objects.bulk_update(rows, changed, batch_size=100)
    _leave_training(Rating.objects.filter(user=user), now)
    _forget_taken(user, now)
    return len(rows)


def _take_back(row: Rating, now: datetime) -> None:
    _remember(row)
    row.withdrawn_at = row.updated_at = now
    row.consent, row.fate, row.reason = False, Fate.WITHDRAWN, ""


@durably()
def allow(*, rating: Rating, consent: bool, now: datetime) -> Rating:
    """Whether this one may train. A no takes it out of its pairs. Raises Refusal: rating_withdrawn, never_trains."""
    row = Rating.objects.select_for_update().get(pk=rating.pk)
    if row.withdrawn_at is not None:
        raise Refusal("rating_withdrawn", str(row.pk))
    if row.again:
        raise Refusal("never_trains", str(row.pk))
    if row.consent != consent:
        _remember(row)
        row.consent, row.updated_at = consent, now
        _await_the_night(row)
        row.save()
        if not consent:
            _leave_training(Rating.objects.filter(pk=row.pk), now)
    return row


def _leave_training(ratings: QuerySet[Rating], now: datetime) -> None:
    """Their pairs train nobody any more, and whatever has seen one is marked, also one that she unsaid before."""
    _taint(Pair.objects.filter(ratings__in=ratings), now)
    promoting.taint(Adapter.objects.filter(runs__alone__in=ratings), now=now)
    _unpair(ratings)


def _forget_taken(user: User, now: datetime) -> None:
    """Pairs that come only of what she took into her text stand on no rating, but on her general yes."""
    keys = set(Pair.objects.filter(user=user, ratings=None).values_list("pk", flat=True))
    pairs = Pair.objects.filter(pk__in=keys).exclude(state=Pair.State.WITHDRAWN)
    _taint(pairs, now)
    pairs.update(state=Pair.State.WITHDRAWN)


def _taint(pairs: QuerySet[Pair], now: datetime) -> None:
    """Mark the adapters that have seen one of these; none of them writes any more."""
    promoting.taint(Adapter.objects.filter(runs__pairs__in=pairs), now=now)


def _unpair(ratings: QuerySet[Rating]) -> None:
    """The pairs of these stand no more; a rating that was paired with one waits for the night again."""
    gone = set(
        Pair.objects.filter(ratings__in=ratings).exclude(state=Pair.State.WITHDRAWN).values_list("pk", flat=True)
    )
    if not gone:
        return
    Pair.objects.filter(pk__in=gone).update(state=Pair.State.WITHDRAWN)
    partners = Rating.objects.filter(pairs__in=gone, fate__in=PAIRED).exclude(pk__in=ratings.values("pk"))
    alone = partners.exclude(pairs__in=Pair.objects.exclude(state=Pair.State.WITHDRAWN))
    Rating.objects.filter(pk__in=set(alone.values_list("pk", flat=True))).update(fate=Fate.WAITING, reason="")


# --- the question, asked once ----------------------------------------------------------------------------------------
def ask_once(*, user: User, now: datetime) -> bool:
    """Whether she is to be asked now. Of two tabs one asks; no answer is a no."""
    return User.objects.filter(pk=user.pk, consent_asked_at=None).update(consent_asked_at=now) == 1


@durably()
def answer(*, user: User, consents: bool, now: datetime, rating: Rating | None = None) -> Rating | None:
    """From here on new ratings start with this; so does the one that she was asked about."""
    User.objects.filter(pk=user.pk).update(consents=consents, consent_asked_at=now)
    user.consents, user.consent_asked_at = consents, now
    if not consents:
        _forget_taken(user, now)
    return allow(rating=rating, consent=consents, now=now) if rating is not None else None
