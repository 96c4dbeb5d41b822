"""The blind trial: for some writers the two candidates are one of the champion's and one of the challenger's.

Nobody knows which is which until it is judged. A sitting is one throw, because judgements of one morning hang together:
it is won by whoever was preferred more often in it. Sittings count once they are finished. Looking any day is allowed,
see training.sequential.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from training.sequential import ENOUGH, evidence
from writingapp.models import Adapter, Candidate, Rating, Trial, User, WritingSession
from writingapp.services import auditing, promoting
from writingapp.services.promoting import NotPromoted

State = Trial.State
FAILING = "failing"  # why a trial ended: in the shadow more went wrong than right
SHADOW = {"asked": 0, "failed": 0, "broken": 0, "out_of_form": 0, "seconds": 0.0}
CHAMPION, CHALLENGER = "champion", "challenger"
Arm = tuple[str, str]  # which, and the adapter that writes it; empty: the base


@transaction.atomic
def start(*, challenger: Adapter, share: float, now: datetime, actor: User | None = None) -> Trial:
    """Let a share of the writers, 0 to 1, meet it. Every node must have proved it. Raises NotPromoted."""
    row = promoting.offer(adapter=challenger)  # holds the school's row: one trial begins after the other
    stands = promoting.standing(adapter=row)
    if not stands.everywhere:
        raise NotPromoted("not_proved", ", ".join([*stands.failed, *stands.waiting]))
    if row.state == Adapter.State.SERVING:
        raise NotPromoted("serves", row.name)
    if Trial.objects.filter(state=State.RUNNING).exists():
        raise NotPromoted("trial_runs")
    champion = Adapter.objects.filter(state=Adapter.State.SERVING).first()
    trial = Trial.objects.create(challenger=row, champion=champion, share=share)
    auditing.note(actor, "trial.started", f"trial:{trial.pk}", now=now, challenger=row.name, share=share)
    return trial


def running() -> Trial | None:
    return Trial.objects.filter(state=State.RUNNING).first()


@transaction.atomic
def widen(*, share: float, now: datetime, actor: User | None = None) -> Trial:
    """Another share; whoever is in stays in as it grows. Raises NotPromoted."""
    trial = _held()
    trial.share = share
    trial.save(update_fields=["share"])
    auditing.note(actor, "trial.shared", f"trial:{trial.pk}", now=now, share=share)
    return trial


@transaction.atomic
def stop(*, now: datetime, actor: User | None = None) -> Trial:
    """By hand: the challenger goes back to the registry. Raises NotPromoted."""
    trial = _held()
    _end(trial, State.STOPPED, now, actor, why="by_hand")
    promoting.take_back(adapter=trial.challenger)
    return trial


@transaction.atomic
def leave_shadow(*, now: datetime) -> None:
    """A challenger that nobody meets makes room for one that the gate has just passed."""
    promoting.school()
    if (trial := running()) is not None and not trial.share:
        _end(trial, State.STOPPED, now, None, why="made_room")
        promoting.take_back(adapter=trial.challenger)


def _held() -> Trial:
    promoting.school()
    trial = Trial.objects.select_for_update().filter(state=State.RUNNING).first()
    if trial is None:
        raise NotPromoted("no_trial")
    return trial


def _end(trial: Trial, state: str, now: datetime, actor: User | None, **figures: Any) -> None:
    trial.state, trial.ended_at, trial.figures = State(state), now, trial.figures | figures
    trial.save(update_fields=["state", "ended_at", "figures"])
    auditing.note(actor, "trial.ended", f"trial:{trial.pk}", now=now, state=state, **figures)


# --- who meets it ----------------------------------------------------------------------------------------------------
def arms(*, user_id: int, candidates: int) -> list[Arm] | None:
    """Who writes which of the two texts of an ask, in an order drawn anew each time; None outside of a trial."""
    if candidates != 2:
        return None
    trial = Trial.objects.filter(state=State.RUNNING).values("pk", "share", "challenger_id", "champion_id").first()
    if trial is None or place(user_id, trial["pk"]) >= trial["share"]:
        return None
    drawn = [(CHAMPION, trial["champion_id"] or ""), (CHALLENGER, trial["challenger_id"])]
    return drawn if secrets.randbelow(2) else drawn[::-1]


def place(user_id: int, trial_id: object) -> float:
    """Where a writer stands in a trial's line, 0 to 1: those below its share are in it, in each trial others."""
    digest = hashlib.blake2b(f"{trial_id}/{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


# --- what nobody meets -----------------------------------------------------------------------------------------------
def in_shadow() -> str:
    """The challenger that no writer meets yet; empty where there is none."""
    found = Trial.objects.filter(state=State.RUNNING, share=0).values_list("challenger_id", flat=True)
    return found.first() or ""


@transaction.atomic
def note_shadow(*, challenger: str, told: dict[str, float]) -> None:
    """Add to what its trial knows of it, if that goes on."""
    trial = Trial.objects.select_for_update().filter(state=State.RUNNING, challenger=challenger).first()
    if trial is not None and told:
        trial.shadow = {name: trial.shadow.get(name, 0) + value for name, value in (SHADOW | told).items()}
        trial.save(update_fields=["shadow"])


# --- who is ahead ----------------------------------------------------------------------------------------------------
@transaction.atomic
def count(*, now: datetime) -> Trial | None:
    """Count what was judged, and end the trial if that is enough: won is promoted, lost is retired.

    One that fails in the shadow goes back to the registry: that may have been a node's fault.
    """
    if running() is None:
        return None
    trial = _held()
    trial.figures = figures(trial)
    trial.save(update_fields=["figures"])
    if trial.figures["better"] >= ENOUGH:
        _won(trial, now)
    elif trial.figures["worse"] >= ENOUGH:
        _end(trial, State.LOST, now, None)
        promoting.retire(adapter=trial.challenger, now=now, why="lost")
    elif is_failing(trial) or now - trial.started_at > timedelta(days=settings.TRIAL_DAYS):
        _end(trial, State.STOPPED, now, None, why=FAILING if is_failing(trial) else "undecided")
        promoting.take_back(adapter=trial.challenger)
    return trial


def is_failing(trial: Trial) -> bool:
    """Whether its answers in the shadow fail, are empty or circling more often than not, by the same test."""
    wrong = int(sum(trial.shadow.get(name, 0) for name in ("failed", "broken")))
    return evidence(wrong, int(trial.shadow.get("asked", 0)) - wrong) >= ENOUGH


def _won(trial: Trial, now: datetime) -> None:
    """What cannot be promoted at this moment stands its trial until it can, or until somebody stops it."""
    try:
        with transaction.atomic():
            _end(trial, State.WON, now, None)
            promoting.promote(adapter=trial.challenger, now=now)
    except NotPromoted as fault:
        trial.state, trial.ended_at = State.RUNNING, None
        trial.figures |= {"waits": fault.code}
        trial.save(update_fields=["figures"])


def figures(trial: Trial) -> dict[str, Any]:
    """Sittings won, lost and even, and the evidence that the challenger is the better one, and the worse one."""
    sittings: dict[Any, int] = {}
    for rating in _judged(trial):
        sitting = rating.inspiration.session_id
        sittings[sitting] = sittings.get(sitting, 0) + _said(rating, trial)
    signs = Counter((net > 0) - (net < 0) for net in sittings.values())
    wins, losses = signs[1], signs[-1]
    better, worse = min(1e12, evidence(wins, losses)), min(1e12, evidence(losses, wins))
    return {"wins": wins, "losses": losses, "even": signs[0], "better": better, "worse": worse}


def _judged(trial: Trial) -> Iterable[Rating]:
    """Comparisons that stand, of finished sittings, whose texts were written by whom the trial says."""
    found = Rating.objects.filter(
        kind__in=Rating.COMPARING,
        again=False,
        withdrawn_at=None,
        created_at__gte=trial.started_at,
        inspiration__session__state=WritingSession.State.FINISHED,
        inspiration__candidates__arm=CHALLENGER,
    )
    wrote = {(CHALLENGER, trial.challenger_id), (CHAMPION, trial.champion_id or "")}
    for rating in found.select_related("inspiration").prefetch_related("inspiration__candidates"):
        if {(text.arm, text.adapter) for text in rating.inspiration.candidates.all()} == wrote:
            yield rating


def _said(rating: Rating, trial: Trial) -> int:
    """1 for the challenger, -1 for the champion, 0 for neither: her first word, for then she saw who wrote which."""
    blind = rating.history[0] if rating.history else {"kind": rating.kind, "candidate": str(rating.candidate_id)}
    if blind["kind"] != Rating.Kind.PREFER:
        return 0
    texts = rating.inspiration.candidates.all()
    better: Candidate = next(text for text in texts if str(text.pk) == blind["candidate"])
    return 1 if better.adapter == trial.challenger_id else -1
