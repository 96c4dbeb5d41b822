"""The clock of a sitting: start, pause, resume, extend, finish. The server owns it; the page only shows it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from writingapp.models import User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import almanac

State = WritingSession.State

MOST_MINUTES = 180
ABANDONED_AFTER = timedelta(hours=12)


def start(*, user: User, minutes: int | None, theme: str, goal: int | None, now: datetime) -> WritingSession:
    """Start the clock. Minutes are 1 to 180, or None for no limit."""
    return WritingSession.objects.create(
        user=user,
        day=almanac.writer_day(user.time_zone, now),
        theme=theme,
        minutes=minutes,
        goal=goal,
        started_at=now,
        deadline=now + timedelta(minutes=minutes) if minutes else None,
    )


@transaction.atomic
def pause(*, session: WritingSession, now: datetime) -> WritingSession:
    """Stop the clock. Pausing twice is pausing once."""
    session = _locked(session)
    if session.state == State.RUNNING:
        session.state, session.paused_at = State.PAUSED, now
        session.save(update_fields=["state", "paused_at"])
    return session


@transaction.atomic
def resume(*, session: WritingSession, now: datetime) -> WritingSession:
    """Let the clock run on; the deadline moves by as long as it stood."""
    session = _locked(session)
    if session.state == State.PAUSED:
        _run_on(session, now)
        session.state = State.RUNNING
        session.save(update_fields=["state", "deadline", "paused_at", "paused_total"])
    return session


@transaction.atomic
def extend(*, session: WritingSession, seconds: int, now: datetime) -> WritingSession:
    """Add time: to what is left, or from now on when none is left."""
    session = _locked(session)
    if session.deadline is not None:
        reference = session.paused_at or now
        session.deadline = max(session.deadline, reference) + timedelta(seconds=seconds)
        session.save(update_fields=["deadline"])
    return session


@transaction.atomic
def finish(*, session: WritingSession, now: datetime) -> WritingSession:
    """End the sitting. Finishing twice is finishing once."""
    session = WritingSession.objects.select_for_update().get(pk=session.pk)
    if session.state != State.FINISHED:
        if session.paused_at:
            _run_on(session, now)
        session.state, session.finished_at = State.FINISHED, now
        session.save(update_fields=["state", "deadline", "paused_at", "paused_total", "finished_at"])
        session.photos.filter(kept=False).delete()  # with their files
    return session


def finish_abandoned(*, now: datetime) -> int:
    """End sittings that nobody has touched for half a day, at the moment of their last save."""
    long_ago = now - ABANDONED_AFTER
    untouched = Q(saved_at__lt=long_ago) | Q(saved_at=None, started_at__lt=long_ago)
    over = Q(deadline__lt=long_ago) | Q(deadline=None) | Q(state=State.PAUSED)
    sittings = WritingSession.objects.exclude(state=State.FINISHED).filter(untouched, over)
    for session in sittings:
        finish(session=session, now=session.saved_at or session.paused_at or session.deadline or session.started_at)
    return len(sittings)


def _locked(session: WritingSession) -> WritingSession:
    session = WritingSession.objects.select_for_update().get(pk=session.pk)
    if session.state == State.FINISHED:
        raise Refusal("finished", str(session.pk))
    return session


def _run_on(session: WritingSession, now: datetime) -> None:
    if session.paused_at is None:
        return
    stood = max(now - session.paused_at, timedelta())
    session.paused_total += stood
    if session.deadline is not None:
        session.deadline += stood
    session.paused_at = None
