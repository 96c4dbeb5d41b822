"""A worker's hold on a candidate: claim, checkpoint, end, and the sweep for what was left behind. Rows only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from writingapp.models import Candidate, Inspiration

Status = Candidate.Status

LEASE = timedelta(seconds=12)  # how long a silent worker keeps its candidate
UNNOTICED = timedelta(seconds=8)  # a queued candidate that nobody took up for so long is queued again
MOST_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a candidate, with all that it needs to write it."""

    candidate_id: str
    inspiration_id: str
    session_id: str
    attempt: int
    messages: list[dict[str, str]]
    sampling: dict[str, Any]
    written: str
    adapter: str  # of what is written
    queued_at: datetime


def claim_next(*, inspiration_id: str, now: datetime) -> Claim | None:
    """Take hold of the next text of an inspiration: by a conditional UPDATE whose row count is the lock.

    None when there is nothing to write, or when another worker is at it. Later candidates wait for the earlier ones.
    """
    rows = Candidate.objects.select_related("inspiration").filter(inspiration_id=inspiration_id)
    for row in rows.exclude(status__in=Candidate.TERMINAL).order_by("position"):
        if row.inspiration.stop_requested or row.attempt >= MOST_ATTEMPTS:
            return None  # the sweeper ends these
        if row.status == Status.RUNNING and row.lease_until and row.lease_until >= now:
            return None
        return _claim(row, now)
    return None


def _claim(row: Candidate, now: datetime) -> Claim | None:
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, lease_until__lt=now)
    held = Candidate.objects.filter(free, pk=row.pk, attempt=row.attempt).update(
        status=Status.RUNNING,
        attempt=row.attempt + 1,
        lease_until=now + LEASE,
        started_at=row.started_at or now,
    )
    if not held:
        return None
    return Claim(
        candidate_id=str(row.pk),
        inspiration_id=str(row.inspiration_id),
        session_id=str(row.inspiration.session_id),
        attempt=row.attempt + 1,
        messages=row.inspiration.messages,
        sampling=row.sampling,
        written=row.text,
        adapter=row.adapter,
        queued_at=row.queued_at,
    )


def checkpoint(*, claim: Claim, text: str, now: datetime, adapter: str = "") -> bool:
    """Keep the lease and the text so far. False when the claim is lost: stop writing, say nothing."""
    return bool(_held(claim).update(lease_until=now + LEASE, text=text, adapter=adapter))


def stop_is_requested(*, claim: Claim) -> bool:
    return Inspiration.objects.filter(pk=claim.inspiration_id, stop_requested=True).exists()


def end(
    *,
    claim: Claim,
    status: str,
    text: str,
    now: datetime,
    tokens: int = 0,
    error: str = "",
    node: str = "",
    adapter: str = "",
    conforms: bool | None = None,
    first_text_at: datetime | None = None,
) -> Candidate | None:
    """Commit the final text. None when the claim was lost meanwhile: somebody else will end it."""
    changed = _held(claim).update(
        status=status,
        text=text,
        tokens=tokens,
        error=error,
        node=node,
        adapter=adapter,
        conforms=conforms,
        first_text_at=first_text_at,
        finished_at=now,
        lease_until=None,
    )
    return Candidate.objects.get(pk=claim.candidate_id) if changed else None


def give_back(*, claim: Claim, text: str, now: datetime, adapter: str = "") -> None:
    """A worker that is told to go lets another take over at once."""
    _held(claim).update(text=text, adapter=adapter, lease_until=now - timedelta(milliseconds=1))


def _held(claim: Claim) -> QuerySet[Candidate]:
    return Candidate.objects.filter(pk=claim.candidate_id, attempt=claim.attempt, status=Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: asks to queue again, and candidates that it ended."""

    again: list[str]
    ended: list[Candidate]


def sweep(*, now: datetime) -> Swept:
    """Find what a lost message or a lost worker left behind. Harmless however often it runs."""
    lost = Q(status=Status.RUNNING, lease_until__lt=now)
    unnoticed = Q(status=Status.QUEUED, queued_at__lt=now - UNNOTICED)
    hopeless = Q(inspiration__stop_requested=True) | Q(attempt__gte=MOST_ATTEMPTS)
    ended = [_end_hopeless(row, now) for row in Candidate.objects.filter(lost | unnoticed).filter(hopeless)]
    at_work = Candidate.objects.filter(status=Status.RUNNING, lease_until__gte=now).values("inspiration_id")
    left = Candidate.objects.filter(lost | unnoticed).exclude(hopeless).exclude(inspiration_id__in=at_work)
    again = sorted({str(pk) for pk in left.values_list("inspiration_id", flat=True)})
    left.filter(status=Status.QUEUED).update(queued_at=now)
    return Swept(again, [row for row in ended if row is not None])


def _end_hopeless(row: Candidate, now: datetime) -> Candidate | None:
    stopped = Inspiration.objects.filter(pk=row.inspiration_id, stop_requested=True).exists()
    cut = Status.INTERRUPTED if row.text else Status.FAILED
    changed = Candidate.objects.filter(pk=row.pk, status=row.status, attempt=row.attempt).update(
        status=Status.STOPPED if stopped else cut,
        error="" if stopped else "too_many_attempts",
        finished_at=now,
        lease_until=None,
    )
    return Candidate.objects.get(pk=row.pk) if changed else None
