"""Many pairs decided at once: what would change, the deciding, and taking it back whole."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from writingapp.models import Pair, Review, User
from writingapp.refusals import Refusal
from writingapp.services import auditing, reviewing
from writingapp.services.durable import durably

MOST = 2_000  # pairs a batch: what a person may still answer for, and one transaction that does not hold others long
SAMPLE = 5


@dataclass(frozen=True)
class Preview:
    """What a batch would decide. `digest` names exactly these pairs; `left_out` are beyond the most."""

    keys: list[uuid.UUID]
    sample: list[Pair]
    digest: str
    more: bool


def preview(found: QuerySet[Pair]) -> Preview:
    keys = list(found.exclude(state=Pair.State.WITHDRAWN).values_list("pk", flat=True)[: MOST + 1])
    more, keys = len(keys) > MOST, keys[:MOST]
    by_key = Pair.objects.in_bulk(keys[:SAMPLE])
    return Preview(keys, [by_key[key] for key in keys[:SAMPLE]], digest(keys), more)


def digest(keys: Sequence[uuid.UUID]) -> str:
    return hashlib.sha256("".join(sorted(map(str, keys))).encode()).hexdigest()


@durably()
def decide(
    *, found: QuerySet[Pair], expected: str, reviewer: User, decision: str, reason: str, now: datetime
) -> tuple[uuid.UUID, int]:
    """Decide exactly what the preview showed; if the pairs have changed since, nothing happens."""
    said, why = reviewing.checked(decision, reason)
    keys = preview(found).keys
    if not keys or digest(keys) != expected:
        raise Refusal("batch_changed")
    rows = _locked(keys)
    if any(row.state == Pair.State.WITHDRAWN for row in rows):  # by its writer, between the look and the lock
        raise Refusal("batch_changed")
    batch = uuid.uuid4()
    for some in _portions(rows):
        Review.objects.filter(pair__in=some, reviewer=reviewer, undone_at=None).update(undone_at=now)
    Review.objects.bulk_create(
        [Review(pair=row, reviewer=reviewer, decision=said, reason=why, batch=batch, created_at=now) for row in rows],
        batch_size=200,
    )
    for some in _portions(rows):
        reviewing.settle(some, now)
    detail = {"decision": said, "reason": why, "pairs": auditing.ids(keys)}
    auditing.note(reviewer, "batch.decided", f"batch:{batch}", now=now, **detail)
    return batch, len(rows)


@durably()
def undo(*, batch: uuid.UUID, reviewer: User, now: datetime) -> int:
    """Its author takes it back whole, as long as nobody has said anything later about any of its pairs."""
    own = Review.objects.filter(batch=batch, reviewer=reviewer, undone_at=None)
    keys = list(own.values_list("pair_id", flat=True))
    if not keys:
        raise Refusal("nothing_to_undo")
    rows = _locked(keys)
    decided = own.values_list("created_at", flat=True)[0]
    later = sum(
        Review.objects.filter(pair__in=some, created_at__gt=decided, undone_at=None).count() for some in _portions(rows)
    )
    if later:
        raise Refusal("decided_since")
    own.update(undone_at=now)
    for some in _portions([row for row in rows if row.state != Pair.State.WITHDRAWN]):
        reviewing.settle(some, now)
    auditing.note(reviewer, "batch.undone", f"batch:{batch}", now=now, pairs=auditing.ids(keys))
    return len(keys)


def _locked(keys: Sequence[uuid.UUID]) -> list[Pair]:
    rows: list[Pair] = []
    for at in range(0, len(keys), 500):  # SQLite takes so many places in one statement
        rows += Pair.objects.select_for_update().filter(pk__in=keys[at : at + 500]).order_by("pk")
    return rows


def _portions(rows: list[Pair]) -> list[list[Pair]]:
    return [rows[at : at + 500] for at in range(0, len(rows), 500)]
