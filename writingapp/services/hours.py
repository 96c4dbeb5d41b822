"""The hours of the night school: which night it is by the house's clock, and whether one is due."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from writingapp.models import TrainingRun, WritingSession

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A night: its date, and from when until when it may work."""

    night: date
    begins: datetime
    ends: datetime


def last_window(now: datetime) -> Window:
    """The last night that has begun by the house's clock. Summer time moves it; it never happens twice."""
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    tonight = _window(today, zone)
    return tonight if tonight.begins <= now else _window(today - ONE_DAY, zone)


def _window(night: date, zone: ZoneInfo) -> Window:
    over = ONE_DAY if settings.NIGHT_UNTIL <= settings.NIGHT_AT else timedelta()
    begins = datetime.combine(night, settings.NIGHT_AT, zone).astimezone(UTC)
    return Window(night, begins, datetime.combine(night + over, settings.NIGHT_UNTIL, zone).astimezone(UTC))


def due(now: datetime, up_since: datetime | None = None) -> Window | None:
    """The last night, if nothing has become of it yet. One that was missed is made up for while nobody writes.

    Earlier nights are not: the last one learns from all that they would have learnt from. Nor is one by whose end
    nobody had written here yet: a new house has missed nothing. Whoever starts a house mostly wants to write, so it
    must have been up, and at rest, for a while; None where that does not count.
    """
    if not settings.NIGHT:
        return None
    window = last_window(now)
    if TrainingRun.objects.filter(night=window.night).exists():
        return None
    if now < window.ends:
        return window
    missed = WritingSession.objects.filter(started_at__lt=window.ends).exists()
    if not settings.NIGHT_LATE or not missed or not _quiet(now, up_since):
        return None
    following = _window(window.night + ONE_DAY, ZoneInfo(settings.TIME_ZONE))
    return replace(window, ends=min(now + (window.ends - window.begins), following.begins))


def _quiet(now: datetime, up_since: datetime | None) -> bool:
    """Whether nobody is at a session, nor was within the last minutes, as far as a house that was up can know."""
    lately = now - timedelta(minutes=settings.NIGHT_LATE)
    if up_since and up_since > lately:
        return False
    return not WritingSession.objects.filter(
        Q(state=WritingSession.State.RUNNING, started_at__gt=now - ONE_DAY) | Q(finished_at__gt=lately)
    ).exists()
