"""A worker's hold on a candidate: claim, checkpoint, end, and the sweep for what was left behind. Rows only."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from writingapp import statements
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
    adapter: str  # of what is written; in a trial, of what is to be written
    arm: str  # of a trial; empty outside of one
    asked_at: datetime
    first: bool = True  # of its inspiration's texts
    photo_id: str = ""  # what a node that sees is shown; empty: nothing


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat learnt, as candidates' and inspirations' ids: whose hold is lost, and who has asked to stop."""

    lost: set[str]
    stopped: set[str]


@transaction.atomic
def claim_each(*, inspiration_ids: Iterable[str], now: datetime) -> list[Claim | None]:
    """`claim_next` for each, one after the other: what one of them has taken hold of, the next does not get."""
    return [claim_next(inspiration_id=each, now=now) for each in inspiration_ids]


def claim_next(*, inspiration_id: str, now: datetime) -> Claim | None:
    """Take hold of the next text of an inspiration, or, when it is over, of hers that waits for it. Later candidates
    wait for the earlier ones, and of one writer's inspirations the later for the earlier, whoever is called for it.

    None when there is nothing to write, when another worker is at it, or when it is not its turn.
    """
    row = statements.next_text(inspiration_id, now)
    if row is None or row.held or row.stop_requested or row.attempt >= MOST_ATTEMPTS:
        return None  # the sweeper ends what was stopped or tried too often
    if not statements.claim(row.candidate_id, row.attempt, now, LEASE):
        return None
    return Claim(
        candidate_id=row.candidate_id,
        inspiration_id=row.inspiration_id,
        session_id=row.session_id,
        attempt=row.attempt + 1,
        messages=row.messages,
        sampling=row.sampling,
        written=row.text,
        adapter=row.adapter,
        arm=row.arm,
        asked_at=row.asked_at,
        first=row.position == 0,
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
    started_at: datetime | None = None,
    first_text_at: datetime | None = None,
) -> Candidate | None:
    """Commit the final text; answers what a page is told of it. None when the claim was lost meanwhile: somebody else
    will end it. `started_at` is when it got its seat: the queue before that is no pace of an engine's.
    """
    row = Candidate(
        pk=uuid.UUID(claim.candidate_id),
        attempt=claim.attempt,
        status=status,
        text=text,
        tokens=tokens,
        error=error,
        node=node,
        adapter=adapter,
        conforms=conforms,
        started_at=started_at,
        first_text_at=first_text_at,
        finished_at=now,
    )
    return row if statements.end(row) else None


def give_back(*, claim: Claim, text: str, now: datetime, adapter: str = "") -> None:
    """A worker that is told to go lets another take over at once."""
    held = Candidate.objects.filter(pk=claim.candidate_id, attempt=claim.attempt, status=Status.RUNNING)
    held.update(text=text, adapter=adapter, lease_until=now - timedelta(milliseconds=1))


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
    left = left.exclude(inspiration__after_id__in=at_work)  # whoever is at that one goes on with this one
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
