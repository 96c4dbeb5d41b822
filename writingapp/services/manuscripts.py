"""The manuscript: compare-and-swap saves over an append-only history. Nothing that reached us is thrown away."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from writingapp.models import Revision, WritingSession
from writingapp.models.sessions import MANUSCRIPT_LIMIT
from writingapp.refusals import Refusal
from writingapp.services.counting import recount
from writingapp.services.durable import durably

GRACE = timedelta(seconds=5)  # a save may be this late, for the way from her keyboard to us
SNAPSHOT_EVERY = 50  # revisions; a rebuild applies at most so many patches


@dataclass(frozen=True, slots=True)
class Patch:
    """Characters `start` to `end` are replaced by `text`."""

    start: int
    end: int
    text: str

    def apply(self, before: str) -> str:
        return before[: self.start] + self.text + before[self.end :]


@dataclass(frozen=True, slots=True)
class Change:
    """What a save brings: a whole text, or a patch and the length that the text must have afterwards."""

    text: str | None = None
    patch: Patch | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """Committed. `repeated` tells that this very save had been committed before."""

    save_id: uuid.UUID
    base_rev: int
    rev: int
    patch: Patch
    late: bool
    characters: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else was first. Her text is kept as a revision beside the others; `rev` and `text` are what stands."""

    save_id: uuid.UUID
    rev: int
    text: str


def save(
    *, session: WritingSession, save_id: uuid.UUID, base_rev: int, change: Change, now: datetime
) -> Saved | Conflict:
    """Save a manuscript on top of `base_rev`. Raises Refusal: too_long, resend_whole."""
    for _ in range(2):  # losing the race for a revision number once means that the next look sees a conflict
        try:
            with durably():
                return _save(session, save_id, base_rev, change, now)
        except IntegrityError:
            continue
    raise Refusal("unavailable", str(save_id))


def text_at(*, session: WritingSession, rev: int) -> str:
    """The manuscript as revision `rev` left it."""
    if rev == session.rev:
        return session.text
    last = session.revisions.filter(rev__lte=rev, snapshot__isnull=False).order_by("-rev").first()
    text, since = (last.snapshot or "", last.rev or 0) if last else ("", 0)
    for later in session.revisions.filter(rev__gt=since, rev__lte=rev).order_by("rev"):
        text = _patch_of(later).apply(text)
    return text


def text_of(*, revision: Revision) -> str:
    """The whole text that a save brought, also one that conflicted."""
    if revision.snapshot is not None:
        return revision.snapshot
    return _patch_of(revision).apply(text_at(session=revision.session, rev=revision.base_rev))


def _patch_of(revision: Revision) -> Patch:
    return Patch(revision.start, revision.end, revision.inserted)


def difference(before: str, after: str) -> Patch:
    """The one splice that turns one text into the other, found with comparisons of slices: fast on long texts."""
    start = _common(before, after, backwards=False, most=min(len(before), len(after)))
    tail = _common(before, after, backwards=True, most=min(len(before), len(after)) - start)
    return Patch(start, len(before) - tail, after[start : len(after) - tail])


def _common(one: str, other: str, *, backwards: bool, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if backwards:
            same = one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]
        else:
            same = one[low:middle] == other[low:middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _save(
    session: WritingSession, save_id: uuid.UUID, base_rev: int, change: Change, now: datetime
) -> Saved | Conflict:
    session = WritingSession.objects.select_for_update().get(pk=session.pk)
    earlier = session.revisions.filter(save_id=save_id).first()
    if earlier is not None:
        return _answer_again(session, earlier)
    if base_rev == session.rev:
        return _accept(session, save_id, change, now)
    _keep(session, save_id, base_rev, _resolve(session, base_rev, change, save_id), now)
    return Conflict(save_id, session.rev, session.text)


def _keep(session: WritingSession, save_id: uuid.UUID, base_rev: int, text: str, now: datetime) -> None:
    """A text that conflicts, as small as it is: what it changes in its base, or whole if that base never was."""
    if base_rev > session.rev:
        session.revisions.create(save_id=save_id, base_rev=base_rev, snapshot=text, created_at=now)
        return
    patch = difference(text_at(session=session, rev=base_rev), text)
    session.revisions.create(
        save_id=save_id, base_rev=base_rev, start=patch.start, end=patch.end, inserted=patch.text, created_at=now
    )


def _answer_again(session: WritingSession, earlier: Revision) -> Saved | Conflict:
    if earlier.rev is None:
        return Conflict(earlier.save_id, session.rev, session.text)
    patch, characters = _patch_of(earlier), session.characters
    return Saved(earlier.save_id, earlier.base_rev, earlier.rev, patch, earlier.late, characters, repeated=True)


def _accept(session: WritingSession, save_id: uuid.UUID, change: Change, now: datetime) -> Saved:
    text = _resolve(session, session.rev, change, save_id)
    patch = difference(session.text, text)
    rev, late = session.rev + 1, _is_late(session, now)
    characters = recount(session.text, text, patch.start, patch.end, session.characters)
    swapped = WritingSession.objects.filter(pk=session.pk, rev=session.rev).update(
        text=text,
        rev=rev,
        characters=characters,
        saved_at=now,
        on_time_rev=session.on_time_rev if late else rev,
    )
    if not swapped:
        raise IntegrityError("another save came first")
    session.revisions.create(
        save_id=save_id,
        base_rev=session.rev,
        rev=rev,
        start=patch.start,
        end=patch.end,
        inserted=patch.text,
        snapshot=text if rev % SNAPSHOT_EVERY == 0 else None,
        late=late,
        created_at=now,
    )
    return Saved(save_id, session.rev, rev, patch, late, characters)


def _resolve(session: WritingSession, base_rev: int, change: Change, save_id: uuid.UUID) -> str:
    """The whole text that a change means. Raises Refusal."""
    text = change.text
    if text is None:
        text = _patched(session, base_rev, change, save_id)
    if len(text) > MANUSCRIPT_LIMIT:
        raise Refusal("too_long", str(save_id))
    return text


def _patched(session: WritingSession, base_rev: int, change: Change, save_id: uuid.UUID) -> str:
    patch = change.patch
    if patch is None or base_rev > session.rev:
        raise Refusal("resend_whole", str(save_id))
    before = text_at(session=session, rev=base_rev)
    if not 0 <= patch.start <= patch.end <= len(before):
        raise Refusal("resend_whole", str(save_id))
    text = patch.apply(before)
    if len(text) != change.length:
        raise Refusal("resend_whole", str(save_id))
    return text


def _is_late(session: WritingSession, now: datetime) -> bool:
    if session.finished_at is not None:
        return now > session.finished_at + GRACE
    left = session.remaining(now)
    return left is not None and left < -GRACE
