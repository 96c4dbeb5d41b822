"""When a night is due: by the house's clock, once, by day only if it was missed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.writingapp.test_nightly import SHANGHAI_3, writer
from writingapp.models import TrainingRun, User
from writingapp.services import sessions
from writingapp.services.hours import due, last_window

__all__ = ["writer"]
pytestmark = pytest.mark.usefixtures("rows")
NOON = SHANGHAI_3 + timedelta(hours=9)


def _wrote(writer: User, now: datetime) -> None:
    sitting = sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=now)
    sessions.finish(session=sitting, now=now)


def test_a_night_is_named_by_the_date_on_which_it_begins_here(settings: Any) -> None:
    assert last_window(SHANGHAI_3).night == date(2026, 11, 24)
    assert last_window(SHANGHAI_3 - timedelta(minutes=31)).night == date(2026, 11, 23)
    settings.NIGHT_AT, settings.NIGHT_UNTIL = time(23, 0), time(5, 0)
    window = last_window(SHANGHAI_3)
    assert (window.night, window.ends - window.begins) == (date(2026, 11, 23), timedelta(hours=6))


def test_summer_time_moves_a_night_and_neither_drops_nor_doubles_one(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        hours = [last_window(day + timedelta(minutes=10 * n)).night for n in range(24 * 6)]
        assert sorted(set(hours)) == [day.date(), day.date() + timedelta(days=1)]
        assert hours == sorted(hours)


def test_it_is_due_once_and_not_by_day_while_somebody_writes(settings: Any, writer: User) -> None:
    _wrote(writer, SHANGHAI_3)
    window = due(SHANGHAI_3)
    assert window is not None
    assert (window.night, window.ends - SHANGHAI_3) == (date(2026, 11, 24), timedelta(hours=2.5))
    late = due(NOON)  # the house was off at night
    assert late is not None
    assert (late.night, late.ends - NOON) == (window.night, timedelta(hours=3))
    before_dawn = due(SHANGHAI_3 + timedelta(hours=22.5))
    assert before_dawn is not None
    assert before_dawn.ends == SHANGHAI_3 + timedelta(hours=23.5)  # there the next one begins
    sitting = sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=NOON)
    assert due(NOON) is None
    sessions.finish(session=sitting, now=NOON)
    assert due(NOON + timedelta(minutes=29)) is None
    assert due(NOON + timedelta(minutes=31)) is not None
    settings.NIGHT_LATE = 0
    assert due(NOON + timedelta(minutes=31)) is None
    settings.NIGHT_LATE = 30
    TrainingRun.objects.create(night=window.night, state="skipped")
    assert due(SHANGHAI_3) is due(NOON + timedelta(hours=2)) is None
    settings.NIGHT = False
    assert due(SHANGHAI_3 + timedelta(days=1)) is None


def test_a_house_where_nobody_had_written_by_then_has_missed_no_night(writer: User) -> None:
    assert due(NOON) is None
    _wrote(writer, NOON)
    assert due(NOON + timedelta(hours=1)) is None
    assert due(SHANGHAI_3 + timedelta(days=1)) is not None
    assert due(NOON + timedelta(days=1)) is not None


def test_who_starts_the_house_by_day_is_left_in_peace_before_a_missed_night_begins(writer: User) -> None:
    _wrote(writer, SHANGHAI_3)
    assert due(NOON, up_since=NOON) is None
    assert due(NOON + timedelta(minutes=29), up_since=NOON) is None
    assert due(NOON + timedelta(minutes=30), up_since=NOON) is not None
    assert due(SHANGHAI_3, up_since=SHANGHAI_3) is not None  # at night it has no time to lose
