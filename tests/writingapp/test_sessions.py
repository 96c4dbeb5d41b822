"""The clock of a sitting."""

from datetime import UTC, datetime, timedelta

import pytest

from writingapp.models import User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import sessions

NOW = datetime(2026, 9, 8, 22, 0, tzinfo=UTC)  # six in the morning in Shanghai


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def left(session: WritingSession, minutes: float) -> float | None:
    remaining = session.remaining(at(minutes))
    return None if remaining is None else remaining.total_seconds() / 60


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="晨", goal=None, now=NOW)


def test_it_runs_to_its_deadline_and_beyond(session: WritingSession) -> None:
    assert left(session, 4) == 6
    assert left(session, 12) == -2


def test_a_session_without_limit_counts_up(owner: User) -> None:
    session = sessions.start(user=owner, minutes=None, theme="", goal=None, now=NOW)
    assert left(session, 30) is None
    assert session.written_for(at(30)) == timedelta(minutes=30)


def test_its_day_starts_at_four(owner: User) -> None:
    early = datetime(2026, 9, 8, 19, 59, tzinfo=UTC)  # 03:59 on the 9th in Shanghai
    assert str(sessions.start(user=owner, minutes=5, theme="", goal=None, now=early).day) == "2026-09-08"


def test_a_pause_stops_the_clock_and_moves_the_deadline(session: WritingSession) -> None:
    session = sessions.pause(session=session, now=at(2))
    assert left(session, 50) == 8
    session = sessions.resume(session=session, now=at(52))
    assert left(session, 52) == 8
    assert session.written_for(at(53)) == timedelta(minutes=3)


def test_pausing_twice_is_pausing_once(session: WritingSession) -> None:
    sessions.pause(session=session, now=at(1))
    session = sessions.pause(session=session, now=at(5))
    session = sessions.resume(session=session, now=at(6))
    assert left(sessions.resume(session=session, now=at(7)), 6) == 9


def test_more_time_is_added_to_what_is_left(session: WritingSession) -> None:
    assert left(sessions.extend(session=session, seconds=300, now=at(4)), 4) == 11


def test_more_time_after_the_end_counts_from_now(session: WritingSession) -> None:
    assert left(sessions.extend(session=session, seconds=300, now=at(40)), 40) == 5


def test_more_time_while_paused_waits_for_her(session: WritingSession) -> None:
    session = sessions.pause(session=session, now=at(9))
    session = sessions.extend(session=session, seconds=300, now=at(60))
    assert left(sessions.resume(session=session, now=at(70)), 70) == 6


def test_finishing_stops_everything_once(session: WritingSession) -> None:
    session = sessions.finish(session=session, now=at(3))
    assert sessions.finish(session=session, now=at(9)).finished_at == at(3)
    assert session.written_for(at(99)) == timedelta(minutes=3)
    for verb in (sessions.pause, sessions.resume):
        with pytest.raises(Refusal, match="finished"):
            verb(session=session, now=at(4))


def test_finishing_a_paused_session_leaves_the_pause_out(session: WritingSession) -> None:
    sessions.pause(session=session, now=at(3))
    assert sessions.finish(session=session, now=at(60)).written_for(at(99)) == timedelta(minutes=3)


def test_an_abandoned_session_is_ended_half_a_day_later(session: WritingSession) -> None:
    assert sessions.finish_abandoned(now=at(60 * 11)) == 0
    assert sessions.finish_abandoned(now=at(60 * 13)) == 1
    session.refresh_from_db()
    assert session.finished_at == session.deadline
