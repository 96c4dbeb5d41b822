"""The few statements that every ask, every running text and every open socket needs, as SQL. The ORM would build each
anew, every time: four fifths of a claim's cost. SQLite and PostgreSQL read them alike; everything else goes through it.
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

from writingapp.models import Candidate, User

_ID = Candidate._meta.get_field("id")
_MOMENT = Candidate._meta.get_field("queued_at")

_LOGIN = """
SELECT COUNT(*) FROM django_session l JOIN writingapp_user u ON u.id = %s
WHERE l.session_key = %s AND l.expire_date > %s AND u.is_active AND u.password = %s AND u.language = %s
"""
_THEME = "SELECT theme FROM writingapp_writingsession WHERE id = %s AND user_id = %s"
# Rows are locked on PostgreSQL; on SQLite the whole database is, since every transaction begins as IMMEDIATE.
_LOCK_WRITER = """
SELECT s.state FROM writingapp_writingsession s JOIN writingapp_user u ON u.id = s.user_id WHERE s.id = %s
"""
_UNFINISHED = """
SELECT COUNT(DISTINCT CASE WHEN s.user_id = %s THEN c.inspiration_id END), COUNT(*),
       MAX(CASE WHEN s.user_id = %s THEN CAST(c.inspiration_id AS CHAR(36)) END)
FROM writingapp_candidate c
JOIN writingapp_inspiration i ON i.id = c.inspiration_id
JOIN writingapp_writingsession s ON s.id = i.session_id
WHERE c.status IN ('queued', 'running')
"""
# Word for word the condition of the index `done_lately`: SQLite uses a partial index for nothing less.
_LATELY = """
SELECT started_at, finished_at FROM writingapp_candidate
WHERE status = 'done' AND started_at IS NOT NULL ORDER BY finished_at DESC LIMIT 20
"""
# Once an inspiration is over, the one that waits for it is next: whoever wrote the first goes on with that.
# CROSS JOIN holds SQLite to the order: it would begin with all texts that wait, for each of them anew.
_NEXT = """
SELECT c.id, c.attempt, c.position, c.sampling, c.text, c.adapter, c.arm,
       i.id, i.session_id, i.messages, i.stop_requested, i.photo_id, i.created_at,
       (c.status = 'running' AND c.lease_until >= %s) OR EXISTS (
           SELECT 1 FROM writingapp_candidate e
           WHERE e.inspiration_id = i.after_id AND e.status IN ('queued', 'running')
       )
FROM writingapp_inspiration i CROSS JOIN writingapp_candidate c
WHERE c.inspiration_id = i.id AND (i.id = %s OR i.after_id = %s) AND c.status IN ('queued', 'running')
ORDER BY CASE WHEN i.id = %s THEN 0 ELSE 1 END, i.created_at, c.position LIMIT 1
"""
_CLAIM = """
UPDATE writingapp_candidate SET status = 'running', attempt = attempt + 1, lease_until = %s
WHERE id = %s AND attempt = %s AND (status = 'queued' OR (status = 'running' AND lease_until < %s))
"""
_HOLD = """
UPDATE writingapp_candidate SET lease_until = %s, text = %s, adapter = %s
WHERE id = %s AND attempt = %s AND status = 'running'
"""
_END = """
UPDATE writingapp_candidate SET status = %s, text = %s, tokens = %s, error = %s, node = %s, adapter = %s, conforms = %s,
       started_at = %s, first_text_at = %s, finished_at = %s, lease_until = NULL
WHERE id = %s AND attempt = %s AND status = 'running'
"""
_STOPPED = "SELECT id FROM writingapp_inspiration WHERE stop_requested AND id IN ({})"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is still to be written. `hers`: the inspiration of the writer, where she has one."""

    mine: int  # inspirations of the writer
    everybody: int  # texts of all writers
    hers: UUID | None


@dataclass(frozen=True, slots=True)
class Next:
    """The next text to be written. `held`: another worker's lease has not run out, or it is not its turn yet."""

    candidate_id: str
    attempt: int
    position: int
    sampling: dict[str, Any]
    text: str
    adapter: str
    arm: str
    inspiration_id: str
    session_id: str
    messages: list[dict[str, str]]
    stop_requested: bool
    photo_id: str  # empty: none
    asked_at: datetime
    held: bool


def login_stands(key: str, user: User, now: datetime) -> bool:
    """The login has not run out or been ended, and the account is as it was read: open, its password, its language."""
    with connection.cursor() as cursor:
        cursor.execute(_LOGIN, [user.pk, key, _moment(now), user.password, user.language])
        return bool(cursor.fetchone()[0])


def theme(session_id: UUID, user_id: int) -> str | None:
    """Of a writer's session; None: she has no such."""
    with connection.cursor() as cursor:
        cursor.execute(_THEME, [_id(session_id), user_id])
        found = cursor.fetchone()
    return str(found[0]) if found else None


def lock_writer(session_id: UUID) -> str | None:
    """The session's state; until the transaction ends no other ask of the same writer gets as far."""
    locking = "" if connection.vendor == "sqlite" else " FOR UPDATE OF s, u"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_WRITER + locking, [_id(session_id)])
        found = cursor.fetchone()
    return str(found[0]) if found else None


def unfinished(user_id: int) -> Unfinished:
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED, [user_id, user_id])
        mine, everybody, hers = cursor.fetchone()
    return Unfinished(mine, everybody, UUID(hers.strip()) if hers else None)


def usual_seconds() -> float | None:
    """How long the last twenty finished texts took from their seat on, on average."""
    with connection.cursor() as cursor:
        cursor.execute(_LATELY)
        took = [(finished - started).total_seconds() for started, finished in cursor.fetchall()]
    return sum(took) / len(took) if took else None


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
    """Of an inspiration, or, when that is over, of the one that waits for it."""
    asked = _id(inspiration_id)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [_moment(now), asked, asked, asked])
        found = cursor.fetchone()
    if found is None:
        return None
    ident, attempt, position, sampling, text, adapter, arm, inspiration, *asking = found
    session_id, messages, stopped, photo_id, asked_at, held = asking
    return Next(
        candidate_id=_read_id(ident),
        attempt=attempt,
        position=position,
        sampling=json.loads(sampling),
        text=text,
        adapter=adapter,
        arm=arm,
        inspiration_id=_read_id(inspiration),
        session_id=_read_id(session_id),
        messages=json.loads(messages),
        stop_requested=bool(stopped),
        photo_id=_read_id(photo_id) if photo_id else "",
        asked_at=_read_moment(asked_at),
        held=bool(held),
    )


def claim(candidate_id: str, attempt: int, now: datetime, lease: timedelta) -> bool:
    """Take hold of it; the row count of this conditional UPDATE is the lock."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [_moment(now + lease), _id(candidate_id), attempt, _moment(now)])
        return bool(cursor.rowcount == 1)


def hold(candidate_id: str, attempt: int, text: str, adapter: str, until: datetime) -> bool:
    """Keep the lease and the text so far; False when the hold is lost."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [_moment(until), text, adapter, _id(candidate_id), attempt])
        return bool(cursor.rowcount == 1)


def end(row: Candidate) -> bool:
    """Write down how a held text ended; False when the hold is lost."""
    made: list[Any] = [row.status, row.text, row.tokens, row.error, row.node, row.adapter, row.conforms]
    moments: list[Any] = [at and _moment(at) for at in (row.started_at, row.first_text_at, row.finished_at)]
    with connection.cursor() as cursor:
        cursor.execute(_END, [*made, *moments, _id(row.pk), row.attempt])
        return bool(cursor.rowcount == 1)


def stopped_among(inspiration_ids: Iterable[str]) -> set[str]:
    """Those whose writer has asked to stop."""
    asked = [_id(each) for each in inspiration_ids]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED.format(", ".join(["%s"] * len(asked))), asked)
        return {_read_id(row[0]) for row in cursor.fetchall()}


def _read_moment(value: datetime) -> datetime:
    """SQLite keeps moments in UTC and does not say so."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _read_id(value: str | UUID) -> str:
    """SQLite keeps ids without dashes."""
    return str(UUID(str(value)))


def _id(value: str | UUID) -> Any:
    return _ID.get_db_prep_value(value if isinstance(value, UUID) else UUID(value), connection)


def _moment(value: datetime) -> Any:
    return _MOMENT.get_db_prep_value(value, connection)
