"""A worker's hold on a candidate: claim, checkpoint, end, and the sweep for what was left behind. Rows only."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from writingapp.models import Candidate, Inspiration
from writingapp.services import statements

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
    adapter: str  # of what is written; in a trial, of what is to be written
    arm: str  # of a trial; empty outside of one
    queued_at: datetime
    photo_id: str = ""  # what a node that sees is shown; empty: nothing


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat learnt, as candidates' and inspirations' ids: whose hold is lost, and who has asked to stop."""

    lost: set[str]
    stopped: set[str]


def claim_next(*, inspiration_id: str, now: datetime) -> Claim | None:
    """Take hold of the next text of an inspiration. Later candidates wait for the earlier ones.

    None when there is nothing to write, or when another worker is at it.
    """
    row = statements.next_text(inspiration_id, now)
    if row is None or row.held or row.stop_requested or row.attempt >= MOST_ATTEMPTS:
        return None  # the sweeper ends what was stopped or tried too often
    if not statements.claim(row.candidate_id, row.attempt, now, LEASE):
        return None
    return Claim(
        candidate_id=row.candidate_id,
        inspiration_id=inspiration_id,
        session_id=row.session_id,
        attempt=row.attempt + 1,
        messages=row.messages,
        sampling=row.sampling,
        written=row.text,
        adapter=row.adapter,
        arm=row.arm,
        queued_at=row.queued_at,
        photo_id=row.photo_id,
    )


@transaction.atomic
def checkpoint(*, written: Iterable[tuple[Claim, str, str]], now: datetime) -> Beat:
    """Keep the leases and the texts so far, each with the adapter that wrote it. Whoever lost a hold stops, and says
    nothing.
    """
    written = list(written)
    lost = {
        claim.candidate_id
        for claim, text, adapter in written
        if not statements.hold(claim.candidate_id, claim.attempt, text, adapter, now + LEASE)
    }
    return Beat(lost, statements.stopped_among({claim.inspiration_id for claim, _, _ in written}))


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
    """Commit the final text; answers what a page is told of it. None when the claim was lost meanwhile: somebody else
    will end it.
    """
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
    if not changed:
        return None
    return Candidate(
        pk=uuid.UUID(claim.candidate_id),
        attempt=claim.attempt,
        status=status,
        text=text,
        error=error,
        conforms=conforms,
    )


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
