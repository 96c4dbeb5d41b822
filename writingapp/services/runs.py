"""Runs as rows: which pairs a run learns from, what its folder says, and what became of it.

Nothing here trains, and nothing here lets an adapter write: that is for the gate.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun
from writingapp.services import exporting, promoting, swapping

State = TrainingRun.State
Group = dict[str, Any]  # a line of a run's data.jsonl, see training.batch


class NoRun(Exception):
    """There is nothing to train on; `why` is a code, `pairs` how many there were."""

    def __init__(self, why: str, pairs: int) -> None:
        super().__init__(f"{why}: {pairs} pairs")
        self.why, self.pairs = why, pairs


def trainable() -> QuerySet[Pair]:
    """What staff approved, and what nobody has looked at where the house says so; her word is asked again."""
    states = [Pair.State.APPROVED, *([Pair.State.WAITING] if settings.TRAIN_UNREVIEWED else [])]
    found = exporting.consented(Pair.objects.filter(state__in=states))
    return found.select_related("inspiration__of__inspiration", "chosen", "rejected").order_by("inspiration_id", "id")


@transaction.atomic
def begin(*, now: datetime, method: str = "dpo") -> tuple[TrainingRun, list[Group]]:
    """A run by hand over all that may be learnt, and its data. Raises NoRun, after writing down that it was skipped."""
    pairs = list(trainable())
    groups = groups_of(pairs)
    few = too_few(groups)
    run = TrainingRun.objects.create(
        method=method,
        state=State.SKIPPED if few else State.TRAINING,
        why="too_few_pairs" if few else "",
        manifest={"pairs": dict(Counter(pair.split for pair in pairs)), "fewest": settings.TRAIN_FEWEST},
        started_at=now,
        finished_at=now if few else None,
    )
    if not few:
        run.pairs.set(pairs)
    return run, groups


def too_few(groups: Iterable[Group]) -> bool:
    """Whether there is less to learn from than the house asks for; what is held out is not learnt."""
    return sum(len(group["pairs"]) for group in groups if not group["held_out"]) < settings.TRAIN_FEWEST


def groups_of(pairs: Iterable[Pair]) -> list[Group]:
    """One group an inspiration: its prompt once, its texts, and their pairs; each inspiration weighs the same.

    Another line is learnt as part of its poem: alone, it would teach that a poem ends where a line does.
    """
    of_ask: dict[Inspiration, list[Pair]] = defaultdict(list)
    for pair in pairs:
        of_ask[pair.inspiration].append(pair)
    return [_group(ask, given) for ask, given in of_ask.items()]


def _group(ask: Inspiration, pairs: list[Pair]) -> Group:
    rows: dict[Any, Candidate] = {}
    for pair in pairs:
        rows |= {pair.chosen.pk: pair.chosen, pair.rejected.pk: pair.rejected}
    at = {pk: place for place, pk in enumerate(rows)}
    return {
        "id": str(ask.pk),
        "prompt": (ask.of.inspiration if ask.of else ask).messages,
        "completions": [{"text": swapping.as_model_wrote(swapping.within(row), ask)} for row in rows.values()],
        "pairs": [
            {
                "chosen": at[pair.chosen.pk],
                "rejected": at[pair.rejected.pk],
                "gap": pair.gap,
                "weight": 1 / len(pairs),
            }
            for pair in pairs
        ],
        "held_out": pairs[0].split == Pair.Split.HELD_OUT,
    }


@transaction.atomic
def learnt(*, run: TrainingRun, adapter: Adapter, manifest: dict[str, Any], now: datetime) -> None:
    """The adapter lies in the registry, and waits there. What was withdrawn meanwhile taints it at once."""
    have_trained(run)
    if run.pairs.filter(state=Pair.State.WITHDRAWN).exists():
        promoting.taint(Adapter.objects.filter(pk=adapter.pk), now=now)
    run.adapter, run.state, run.manifest = adapter, State.GATING, run.manifest | manifest
    run.save(update_fields=["adapter", "state", "manifest"])


def have_trained(run: TrainingRun) -> None:
    """The ratings behind its pairs have come to that; whoever took hers back has not."""
    ratings = Rating.objects.filter(pairs__runs=run)
    ratings.exclude(fate=Rating.Fate.WITHDRAWN).update(fate=Rating.Fate.TRAINED)


def is_clean(run: TrainingRun) -> bool:
    """Whether everybody behind it still lets it train; pairs that are gone with their writer count as a no."""
    learnt: int = sum(run.manifest["pairs"].values())
    return exporting.consented(Pair.objects.filter(runs=run)).count() == learnt


def ended(*, run: TrainingRun, state: str, why: str, now: datetime) -> None:
    """It came to nothing, and why."""
    run.state, run.why, run.finished_at = State(state), why, now
    run.save(update_fields=["state", "why", "finished_at"])
