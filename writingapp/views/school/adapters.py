"""The adapters: which one writes, where each comes from, how far the nodes have come with it, and the blind trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from training.sequential import ENOUGH
from writingapp import access
from writingapp.models import Adapter, School, TrainingRun, Trial
from writingapp.services import auditing, promoting, schooling, trials
from writingapp.services.promoting import Standing
from writingapp.views.context import writer_of
from writingapp.views.desk import doors
from writingapp.views.school import naming

LONGEST = 12  # ancestors that are named; a school has one a night
RETIRED = 100  # of the retired, the newest
ENDED = 10
State = Adapter.State


@dataclass(frozen=True)
class Card:
    """An adapter with all that stands on its card."""

    adapter: Adapter
    runs: Sequence[TrainingRun]
    children: Sequence[Adapter]
    standing: Standing
    verdict: str
    on_trial: bool

    @property
    def writes(self) -> bool:
        return self.adapter.state == State.SERVING

    @property
    def nodes(self) -> list[tuple[str, str, str]]:
        """(node, state, why)"""
        stands = self.standing
        proved, waiting = ([(name, state, "") for name in names] for state, names in _by_state(stands))
        return proved + waiting + [(name, "failed", why) for name, why in stands.failed.items()]


@dataclass(frozen=True)
class TrialRow:
    """A trial with what it would take to end it."""

    trial: Trial
    figures: dict[str, Any]
    to_win: int | None
    to_lose: int | None


def _by_state(stands: Standing) -> list[tuple[str, list[str]]]:
    return [("proved", stands.proved), ("waiting", stands.waiting)]


@doors.for_principals
@require_safe
def adapters(request: HttpRequest) -> HttpResponse:
    """Whatever may still write in full; the retired in a list."""
    user = writer_of(request)
    auditing.note(user, "adapters.viewed", now=timezone.now())
    registry = access.adapters_for(user)
    living = registry.exclude(state=State.RETIRED).prefetch_related("runs", "children")
    trial = trials.running()
    cards = [_card(row, trial) for row in living]
    cards.sort(key=lambda card: (not card.writes, card.adapter.state != State.LOADED))
    serving = next((card.adapter for card in cards if card.writes), None)
    context = {
        "desk_page": "adapters",
        "cards": cards,
        "serving": serving,
        "lineage": _lineage(serving),
        "back": _back(serving),
        "trial": _trial_row(trial) if trial else None,
        "ended": [_trial_row(each) for each in Trial.objects.exclude(state=Trial.State.RUNNING)[:ENDED]],
        "enough": ENOUGH,
        "retired": registry.filter(state=State.RETIRED)[:RETIRED],
        "school": School.objects.filter(pk=1).first(),
    }
    return render(request, "school/adapters.html", context)


def _card(row: Adapter, trial: Trial | None) -> Card:
    return Card(
        adapter=row,
        runs=list(row.runs.all()),
        children=list(row.children.all()),
        standing=promoting.standing(adapter=row),
        verdict=naming.verdict(row.gate),
        on_trial=trial is not None and trial.challenger_id == row.pk,
    )


def _lineage(row: Adapter | None) -> list[Adapter]:
    """From the oldest that is named to itself."""
    line: list[Adapter] = []
    while row is not None and len(line) < LONGEST:
        line.insert(0, row)
        row = row.parent
    return line


def _back(serving: Adapter | None) -> str:
    """Who would write after a rollback."""
    return naming.writer_now(promoting.predecessor(serving)) if serving else ""


def _trial_row(trial: Trial) -> TrialRow:
    """As it stands at this moment; of one that has ended, as it was counted last."""
    running = trial.state == Trial.State.RUNNING
    figures = trials.figures(trial) if running else trial.figures
    wins, losses = figures.get("wins", 0), figures.get("losses", 0)
    needed = (schooling.still_to_win(wins, losses), schooling.still_to_win(losses, wins)) if running else (None, None)
    return TrialRow(trial, figures, *needed)
