"""What staff bid the night school by hand, each once however often it is pressed, and each in the trail.

A form says what its reader saw (which night is next, which adapter writes), so that a second press changes nothing.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from training.sequential import ENOUGH, evidence
from writingapp.models import Adapter, TrainingRun, Trial, User
from writingapp.refusals import Refusal
from writingapp.services import adapters, auditing, folders, hours, nightly, promoting, trials

State = TrainingRun.State
FARTHEST = 500  # sittings that are reckoned ahead; beyond that the answer is "more"


# --- nights ----------------------------------------------------------------------------------------------------------
def next_night(now: datetime) -> date | None:
    """The night that a run by hand would count as: today's by the house's clock, else the one that follows."""
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    nights = (today, today + hours.ONE_DAY)
    been = set(TrainingRun.objects.filter(night__in=nights).values_list("night", flat=True))
    return next((night for night in nights if night not in been), None)


def unfinished() -> TrainingRun | None:
    """The night that is being worked on, or waits for a worker."""
    return TrainingRun.objects.filter(state__in=nightly.UNFINISHED, night__isnull=False).first()


@transaction.atomic
def begin(*, night: str, now: datetime, actor: User) -> TrainingRun:
    """Write a night down, for the night worker to take up; it has as long as any other. Raises Refusal."""
    if promoting.school().paused_at is not None:
        raise Refusal("school_paused")
    if unfinished() is not None:
        raise Refusal("night_runs")
    following = next_night(now)
    if following is None or night != following.isoformat():
        raise Refusal("night_has_been")
    window = hours.last_window(now)
    deadline = now + (window.ends - window.begins)
    run = TrainingRun.objects.create(night=following, deadline=deadline, started_at=now)
    auditing.note(actor, "night.begun", f"run:{run.pk}", now=now, night=str(following))
    return run


@transaction.atomic
def stop(*, run: TrainingRun, now: datetime, actor: User) -> None:
    """End a night undecided. Whoever holds it has lost its lease, ends its process and tidies up. Raises Refusal."""
    promoting.school()
    row = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if row.night is None:
        raise Refusal("run_by_hand")
    if row.state in TrainingRun.TERMINAL:
        raise Refusal("run_ended")
    held = row.lease_until is not None and row.lease_until > now
    nightly.end(run=row, holder=row.holder, state=State.STOPPED, why="terminated", now=now)
    if row.adapter is not None:
        promoting.take_back(adapter=row.adapter)
    if not held:
        folders.tidy(folders.folder_of(row))
    auditing.note(actor, "run.stopped", f"run:{row.pk}", now=now)


# --- adapters --------------------------------------------------------------------------------------------------------
@transaction.atomic
def load(*, adapter: Adapter, now: datetime, actor: User) -> None:
    """Have the nodes load and prove it; it does not write. Raises NotPromoted."""
    before = adapter.state
    if promoting.offer(adapter=adapter).state != before:
        auditing.note(actor, "adapter.loaded", f"adapter:{adapter.name}", now=now)


@transaction.atomic
def unload(*, adapter: Adapter, now: datetime, actor: User) -> None:
    """No node need keep it. Raises Refusal while it stands a trial."""
    promoting.school()
    trial = trials.running()
    if trial is not None and trial.challenger_id == adapter.pk:
        raise Refusal("on_trial")
    if Adapter.objects.filter(pk=adapter.pk, state=Adapter.State.LOADED).exists():
        promoting.take_back(adapter=adapter)
        auditing.note(actor, "adapter.unloaded", f"adapter:{adapter.name}", now=now)


@transaction.atomic
def roll_back(*, wrote: str, now: datetime, actor: User) -> Adapter | None:
    """As `promoting.rollback`, if it is still `wrote` that writes. Raises Refusal and NotPromoted."""
    promoting.school()
    if adapters.serving() != wrote:
        raise Refusal("changed_since")
    return promoting.rollback(now=now, actor=actor)


# --- trials ----------------------------------------------------------------------------------------------------------
def share_of(percent: str) -> float:
    """A share, 0 to 1, from percent as a form says them. Raises Refusal."""
    if not (percent.isascii() and percent.isdigit() and len(percent) <= 3 and int(percent) <= 100):
        raise Refusal("bad_share")
    return int(percent) / 100


def still_to_win(wins: int, losses: int) -> int | None:
    """How many sittings in a row would decide for the winner; None if more than anybody waits for."""
    return next((more for more in range(FARTHEST) if evidence(wins + more, losses) >= ENOUGH), None)


@transaction.atomic
def stop_trial(*, trial: Trial, now: datetime, actor: User) -> None:
    """End this one, and no later one. Raises NotPromoted and Refusal."""
    promoting.school()
    current = trials.running()
    if current is not None and current.pk != trial.pk:
        raise Refusal("changed_since")
    trials.stop(now=now, actor=actor)
