"""The night as rows: who holds it, and each step written down before the next begins.

There is one run a night, named by the house's own date on which it begins. Whoever holds its lease may move it on, by
conditional UPDATEs that name the holder: somebody who lost it changes nothing. Processes are `writingapp.night`.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.engines import engine
from writingapp.keys import key
from writingapp.models import Adapter, EngineNode, Pair, TrainingRun
from writingapp.services import adapters, auditing, folders, letters, nodes, promoting, runs, trials
from writingapp.services.hours import Window, due
from writingapp.services.pairing import Counts, pair_up
from writingapp.services.promoting import NotPromoted

State = TrainingRun.State
UNFINISHED = (State.PAIRING, State.TRAINING, State.GATING, State.PROMOTING)
LEASE = runs.LEASE
MOST_ATTEMPTS = 8
FEWEST_STEPS, MOST_A_STEP = 16, 8  # of a small night fewer inspirations a step: three steps left the base as it was
# What was seen to pass the gate and to be liked more; rank 64 at 2e-5 was not, see docs/log.md.
BRISK = {"rank": 16, "alpha": 32, "learning_rate": 5e-5, "kl_most": 0.5}


class LeaseLost(Exception):
    """Somebody else holds the run now; whoever reads this stops and says nothing."""


# --- who -------------------------------------------------------------------------------------------------------------
@transaction.atomic
def take(
    *,
    holder: str,
    now: datetime,
    window: Window | None = None,
    up_since: datetime | None = None,
    is_dead: Callable[[str], bool] = lambda _: False,
) -> TrainingRun | None:
    """The run that is to be carried on, for whoever calls: one that stands unfinished, else one that is due.

    `window` is a night by hand; `up_since` is for `due`; `is_dead` tells of a holder whether it is known to be gone,
    so that its lease need not run out. None where there is nothing to do, or somebody else is at it.
    """
    school = promoting.school()  # two beats stand in line here
    run = TrainingRun.objects.filter(state__in=UNFINISHED, night__isnull=False).order_by("night").first()
    if run is not None:
        return _take_up(run, holder, now, is_dead)
    begins = window or due(now, up_since)
    if begins is None or school.paused_at is not None or TrainingRun.objects.filter(night=begins.night).exists():
        return None
    run = TrainingRun.objects.create(
        night=begins.night, deadline=begins.ends, started_at=now, holder=holder, lease_until=now + LEASE, attempt=1
    )
    if window is not None:
        auditing.note(None, "night.begun", f"run:{run.pk}", now=now, night=str(window.night))
    return run


def _take_up(run: TrainingRun, holder: str, now: datetime, is_dead: Callable[[str], bool]) -> TrainingRun | None:
    """From where it stands; None where its holder has been heard of since it was read, or has ended it."""
    if is_held(run, now) and not is_dead(run.holder):
        return None
    as_read = {"state": run.state, "holder": run.holder, "lease_until": run.lease_until}
    taken = {"holder": holder, "lease_until": now + LEASE, "attempt": run.attempt + 1}
    if not TrainingRun.objects.filter(pk=run.pk, **as_read).update(**taken):
        return None
    run.refresh_from_db()
    return run


def is_held(run: TrainingRun, now: datetime) -> bool:
    """A lease that ends later than any can was given by a clock that has been set back since."""
    return run.lease_until is not None and now < run.lease_until <= now + LEASE


def keep(*, run: uuid.UUID, holder: str, now: datetime, **told: Any) -> bool:
    """The heartbeat; False when the lease is lost."""
    held = TrainingRun.objects.filter(pk=run, holder=holder, lease_until__isnull=False)
    return held.update(lease_until=now + LEASE, **told) == 1


def let_go(*, run: TrainingRun, holder: str, tried: bool) -> None:
    """Another worker may take the run up at once. It was not tried where we only were told to go."""
    attempt = run.attempt if tried else max(0, run.attempt - 1)
    TrainingRun.objects.filter(pk=run.pk, holder=holder).update(lease_until=None, attempt=attempt)


def _move(run: TrainingRun, holder: str, **changes: Any) -> None:
    """Raises LeaseLost."""
    held = TrainingRun.objects.filter(pk=run.pk, holder=holder, state=run.state)
    if not held.update(**changes):
        raise LeaseLost(str(run.pk))
    for name, value in changes.items():
        setattr(run, name, value)


# --- what ------------------------------------------------------------------------------------------------------------
def read(*, run: TrainingRun, holder: str, now: datetime) -> None:
    """PAIRING: what was said becomes pairs. Where nothing may be learnt of them the night is skipped.

    That is known before there is a base, which takes minutes to make.
    """
    counts = pair_up(night=run.night or timezone.localdate(now), now=now)
    _move(run, holder, manifest=_counted(run.manifest, counts))  # at once: whoever reads again finds nothing new
    found = runs.material(_method(run))
    if why := _in_the_way(found):
        _skip(run, holder, found, why, now)


def prepare(*, run: TrainingRun, holder: str, base: Path, served_as: str, now: datetime) -> None:
    """PAIRING, once there is a base: all that may be learnt by now is the run's data; or the night is skipped."""
    method = _method(run)
    found = runs.material(method)
    groups = found.groups
    config = _config(run.deadline or now, base, served_as, now, learnt=sum(not each["held_out"] for each in groups))
    if why := _in_the_way(found) or _nothing_new(found, config):
        _skip(run, holder, found, why, now)
        return
    folders.give(folders.folder_of(run), config, groups)
    manifest = run.manifest | _manifest(found)
    with transaction.atomic():
        found.give(run)
        _move(run, holder, state=State.TRAINING, config=config, manifest=manifest, method=method)


def _method(run: TrainingRun) -> str:
    return str(folders.knobs(settings.NIGHT_KNOBS.split()).get("method", run.method))


def _skip(run: TrainingRun, holder: str, found: runs.Material, why: str, now: datetime) -> None:
    run.manifest = run.manifest | _manifest(found)
    end(run=run, holder=holder, state=State.SKIPPED, why=why, now=now)


def _config(deadline: datetime, base: Path, served_as: str, now: datetime, *, learnt: int) -> dict[str, Any]:
    """Time is kept for the gate, but half of what there is belongs to training. `learnt`: how many inspirations."""
    for_gate = min(timedelta(minutes=settings.NIGHT_GATE_MINUTES), (deadline - now) / 2)
    told = {"base": str(base), "served_as": served_as, "finish_by": (deadline - for_gate).timestamp()}
    told["seed"] = Adapter.objects.exclude(tainted_at=None).count()  # the bytes of a tainted one never come back
    told["frozen"] = str(settings.RUNS / folders.MEASURED / "frozen.jsonl")  # all but the new texts were there before
    told["groups_a_step"] = max(1, min(MOST_A_STEP, learnt // FEWEST_STEPS))
    return told | BRISK | folders.knobs(settings.NIGHT_KNOBS.split())


def _counted(before: dict[str, Any], counts: Counts) -> dict[str, Any]:
    """With what an attempt had read that was killed before it had written the data down."""
    read = {"ratings": counts.judgements, "made": counts.made, "held": counts.held, "withdrawn": counts.withdrawn}
    added = {name: before.get(name, 0) + value for name, value in read.items()}
    return before | added | {"fates": dict(Counter(before.get("fates", {})) + counts.why)}


def _manifest(found: runs.Material) -> dict[str, Any]:
    return found.manifest | {
        "writers": len({each.writer for each in found.said}),
        "evened": runs.heaviest(found.said) <= settings.PAIRS_SHARE / 100,
        "fewest": settings.TRAIN_FEWEST,
        "set_aside": found.set_aside,
    }


def _in_the_way(found: runs.Material) -> str:
    """Why nothing is trained tonight, whatever the base; empty if nothing is in the way."""
    if (trial := trials.running()) and trial.share:
        return "trial"  # the next adapter is measured against whoever wins it; one that nobody meets wins nothing
    return "too_few_pairs" if runs.too_few(found.groups) else ""


def _nothing_new(found: runs.Material, config: dict[str, Any]) -> str:
    """Whether the last training has learnt exactly this, in this way."""
    ended = TrainingRun.objects.filter(state__in=(State.PROMOTED, State.REFUSED)).order_by("-started_at")
    ended = ended.exclude(why="not_taken")  # that one was not judged
    before = ended.exclude(adapter__tainted_at__isnull=False).first()  # what was taken back may be given again
    if before is None or _lasting(before.config) != _lasting(config):
        return ""
    learnt = {pk for rows in (before.pairs, before.alone) for pk in rows.values_list("pk", flat=True)}
    return "nothing_new" if learnt == {each.pk for each in found.said} else ""


def _lasting(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in ("finish_by", "seed")}


@transaction.atomic
def trained(*, run: TrainingRun, holder: str) -> None:
    """TRAINING has left an adapter: to the gate with it."""
    folder = folders.folder_of(run)
    told = {"outcome": folders.told(folder / "outcome.json"), **folders.told(folder / "manifest.json")}
    runs.have_trained(run)
    _move(run, holder, state=State.GATING, manifest=told | run.manifest)


def to_judge(*, run: TrainingRun, node: EngineNode | None) -> dict[str, Any]:
    """`gate.json`, as training.judge reads it: who writes texts for it, whose pairs, and what serves now.

    A node that takes adapters while it runs is asked; for others the judge starts one of its own with the same file.
    """
    alone = list(run.alone.values_list("inspiration_id", "user__pseudonym"))
    learnt = Counter(run.pairs.filter(split=Pair.Split.TRAIN).values_list("writer", flat=True))
    learnt.update(writer for _, writer in alone)
    serving = Adapter.objects.filter(state=Adapter.State.SERVING, base=run.config["served_as"]).first()
    return _writing(node) | {
        "serving": serving.folder if serving else "",
        "pairs_of": learnt,
        "writer_of": {str(ask): writer for ask, writer in [*run.pairs.values_list("inspiration_id", "writer"), *alone]},
        "canaries": sorted(runs.own_words(run)),
        "limits": {"heavy_writer": settings.PAIRS_SHARE / 100 if run.manifest.get("evened") else 1.0},
        "cache": str(settings.RUNS / folders.MEASURED),  # the base is measured once, not every night
    }


def is_served(run: TrainingRun) -> bool:
    """Whether some node, be it away, takes adapters of the base that this run trains."""
    return any(row.model == run.config["served_as"] for row in nodes.taking())


def _writing(node: EngineNode | None) -> dict[str, str]:
    if node is None:
        return {}
    if engine(node.kind).traits.loads:
        return {"engine": node.url, "kind": node.kind, "key": key(node.secret), "model": node.model} | {
            "shared": str(settings.ADAPTERS)  # of run folders no other host, and no other user, sees anything
        }
    file = str(node.plan.get("model", ""))
    return {"gguf": file} if file.endswith(".gguf") else {}


def judged(*, run: TrainingRun, holder: str, verdict: dict[str, Any], now: datetime) -> None:
    """GATING has come to a verdict."""
    run.gate = verdict
    if verdict.get("passed") is True:
        _move(run, holder, state=State.PROMOTING, gate=verdict)
    else:
        reasons = verdict.get("reasons") or ["gate_broken"]
        end(run=run, holder=holder, state=State.REFUSED, why=str(reasons[0]), now=now)


def registered(*, run: TrainingRun, holder: str, now: datetime) -> Adapter:
    """The adapter lies in the registry, with its verdict. Registering it again is having registered it.

    What was taken back meanwhile taints it in the same commit. Raises BadAdapter and LeaseLost.
    """
    folder = Path(run.gate.get("adapter") or folders.folder_of(run) / "adapter")
    row = adapters.lay(folder=folder, label="night", base=run.config["served_as"])
    with transaction.atomic():
        runs.registered(run=run, adapter=row, now=now)
        if row.promoted_at is None:
            row.origin, row.gate = Adapter.Origin.NIGHT, run.gate
            row.save(update_fields=["origin", "gate"])
        _move(run, holder, adapter=row)
    return row


@transaction.atomic
def promoted(*, run: TrainingRun, holder: str, adapter: Adapter, now: datetime) -> None:
    """PROMOTING is over: the pointer is flipped, or a trial begun, and the run ends in one commit.

    Raises NotPromoted and LeaseLost.
    """
    if not runs.is_clean(run):
        raise NotPromoted("withdrawn", adapter.name)
    tried = bool(settings.TRIAL_SHARE) and adapter.promoted_at is None
    if tried:
        trials.leave_shadow(now=now)
        trials.start(challenger=adapter, share=settings.TRIAL_SHARE / 100, now=now)
    else:
        promoting.promote(adapter=adapter, now=now)
    end(run=run, holder=holder, state=State.PROMOTED, why="trial" if tried else "", now=now)


@transaction.atomic
def end(*, run: TrainingRun, holder: str, state: str, why: str, now: datetime, detail: str = "") -> None:
    """It has come to something, or to nothing, and why; the letter's facts with it. Raises LeaseLost."""
    runs.taint_unclean(run, now=now)
    gone = {"finished_at": now, "lease_until": None, "gate": run.gate, "manifest": run.manifest}
    _move(run, holder, state=State(state), why=why[:60], **gone)
    run.letter = letters.facts(run, detail=detail)
    TrainingRun.objects.filter(pk=run.pk).update(letter=run.letter)
