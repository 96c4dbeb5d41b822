"""The few statements that every ask and every running text needs, as SQL. The ORM would build each anew, every time:
four fifths of a claim's cost. SQLite and PostgreSQL read them alike; everything else goes through the ORM.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from writingapp.models import Candidate

_ID = Candidate._meta.get_field("id")
_MOMENT = Candidate._meta.get_field("queued_at")

# Rows are locked on PostgreSQL; on SQLite the whole database is, since every transaction begins as IMMEDIATE.
_LOCK_WRITER = """
SELECT s.state FROM writingapp_writingsession s JOIN writingapp_user u ON u.id = s.user_id WHERE s.id = %s
"""
_UNFINISHED = """
SELECT COUNT(DISTINCT CASE WHEN s.user_id = %s THEN c.inspiration_id END), COUNT(*)
FROM writingapp_candidate c
JOIN writingapp_inspiration i ON i.id = c.inspiration_id
JOIN writingapp_writingsession s ON s.id = i.session_id
WHERE c.status IN ('queued', 'running')
"""
_NEXT = """
SELECT c.id, c.attempt, c.lease_until >= %s, c.status = 'running', c.sampling, c.text, c.adapter, c.arm, c.queued_at,
       i.session_id, i.messages, i.stop_requested, i.photo_id
FROM writingapp_candidate c JOIN writingapp_inspiration i ON i.id = c.inspiration_id
WHERE c.inspiration_id = %s AND c.status IN ('queued', 'running') ORDER BY c.position LIMIT 1
"""
_CLAIM = """
UPDATE writingapp_candidate
SET status = 'running', attempt = attempt + 1, lease_until = %s, started_at = COALESCE(started_at, %s)
WHERE id = %s AND attempt = %s AND (status = 'queued' OR (status = 'running' AND lease_until < %s))
"""
_HOLD = """
UPDATE writingapp_candidate SET lease_until = %s, text = %s, adapter = %s
WHERE id = %s AND attempt = %s AND status = 'running'
"""
_STOPPED = "SELECT id FROM writingapp_inspiration WHERE stop_requested AND id IN ({})"


@dataclass(frozen=True, slots=True)
class Next:
    """The next text of an inspiration to be written. `held`: another worker's lease has not run out."""

    candidate_id: str
    attempt: int
    held: bool
    sampling: dict[str, Any]
    text: str
    adapter: str
    arm: str
    queued_at: datetime
    session_id: str
    messages: list[dict[str, str]]
    stop_requested: bool
    photo_id: str  # empty: none


def lock_writer(session_id: UUID) -> str | None:
    """The session's state; until the transaction ends no other ask of the same writer gets as far."""
    locking = "" if connection.vendor == "sqlite" else " FOR UPDATE OF s, u"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_WRITER + locking, [_id(session_id)])
        found = cursor.fetchone()
    return str(found[0]) if found else None


def unfinished(user_id: int) -> tuple[int, int]:
    """How many inspirations of a writer, and how many texts of everybody, are not finished."""
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED, [user_id])
        mine, everybody = cursor.fetchone()
    return mine, everybody


@cache
def _insertion(model: type[Model]) -> str:
    fields = model._meta.concrete_fields
    columns = ", ".join(field.column for field in fields)
    return f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608


def insert(*rows: Model) -> None:
    """Rows of one model that have their keys already, as they are. Raises IntegrityError."""
    model = type(rows[0])
    values = [
        [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in model._meta.concrete_fields]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_insertion(model), values)


def next_text(inspiration_id: str, now: datetime) -> Next | None:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [_moment(now), _id(inspiration_id)])
        found = cursor.fetchone()
    if found is None:
        return None
    ident, attempt, leased, running, sampling, text, adapter, arm, queued_at, *asked = found
    session_id, messages, stopped, photo_id = asked
    return Next(
        candidate_id=str(UUID(str(ident))),
        attempt=attempt,
        held=bool(running and leased),
        sampling=json.loads(sampling),
        text=text,
        adapter=adapter,
        arm=arm,
        queued_at=_read_moment(queued_at),
        session_id=str(UUID(str(session_id))),
        messages=json.loads(messages),
        stop_requested=bool(stopped),
        photo_id=str(UUID(str(photo_id))) if photo_id else "",
    )


def claim(candidate_id: str, attempt: int, now: datetime, lease: timedelta) -> bool:
    """Take hold of it; the row count of this conditional UPDATE is the lock."""
    until, moment = _moment(now + lease), _moment(now)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [until, moment, _id(candidate_id), attempt, moment])
        return bool(cursor.rowcount == 1)


def hold(candidate_id: str, attempt: int, text: str, adapter: str, until: datetime) -> bool:
    """Keep the lease and the text so far; False when the hold is lost."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [_moment(until), text, adapter, _id(candidate_id), attempt])
        return bool(cursor.rowcount == 1)


def stopped_among(inspiration_ids: Iterable[str]) -> set[str]:
    """Those whose writer has asked to stop."""
    asked = [_id(each) for each in inspiration_ids]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED.format(", ".join(["%s"] * len(asked))), asked)
        return {str(UUID(str(row[0]))) for row in cursor.fetchall()}


def _read_moment(value: datetime) -> datetime:
    """SQLite keeps moments in UTC and does not say so."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _id(value: str | UUID) -> Any:
    return _ID.get_db_prep_value(value if isinstance(value, UUID) else UUID(value), connection)


def _moment(value: datetime) -> Any:
    return _MOMENT.get_db_prep_value(value, connection)
