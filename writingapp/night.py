"""The night at work: training and judging as processes of their own, watched, and stopped in time.

A run is carried from wherever its row says that it stands. What is killed at any moment is taken up there again: the
row is the truth, the run's folder holds the rest, and a lock in it keeps two trainings apart whatever clocks say.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from writingapp import aside
from writingapp.models import Adapter, EngineNode, TrainingRun
from writingapp.services import folders, nightly, nodes, promoting, runs, trials
from writingapp.services.adapters import BadAdapter
from writingapp.services.hours import Window
from writingapp.services.nightly import LeaseLost, State
from writingapp.services.promoting import NotPromoted

logger = logging.getLogger(__name__)

HOST = socket.gethostname()[:60]
BEAT = 5.0  # seconds between two heartbeats
ENGINE_AWAY = 3  # exit code of training.judge: another try may do
LOADING = timedelta(minutes=15)  # for all nodes to load an adapter and prove it


class Leaving(Exception):
    """This worker was told to go."""


class Again(Exception):
    """The next tick may have more luck."""


class Ended(Exception):
    """The run has come to nothing: its state, and why as a code of services.letters."""

    def __init__(self, state: str, why: str, detail: str = "") -> None:
        super().__init__(f"{state}: {why} {detail}".strip())
        self.state, self.why, self.detail = State(state), why, detail


class Watch:
    """One process that may carry nights. `since` is when a house's own began; a command by hand has none."""

    def __init__(self, since: datetime | None = None) -> None:
        self.holder, self._since = holder(), since
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Stop cleanly; from a signal handler or another thread."""
        self._leaving.set()

    def tick(self, window: Window | None = None) -> TrainingRun | None:
        """Whatever is to be done now, to its end; answers the run that was carried. `window` is a night by hand."""
        now = timezone.now()
        clear_up(now)
        trials.count(now=now)
        run = nightly.take(holder=self.holder, now=now, window=window, up_since=self._since, is_dead=is_dead)
        if run is not None:
            Night(run, self.holder, self._leaving).carry()
        return run


def holder() -> str:
    """This process, as whoever holds a run."""
    return f"{HOST}:{os.getpid()}:{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Whether it was a process of this host that is no more; of other hosts nothing is known."""
    host, number, _ = holder.rsplit(":", 2)
    return host == HOST and not psutil.pid_exists(int(number))


def clear_up(now: datetime) -> None:
    """What was killed before it could: runs by hand end, and nobody's words stay in the folder of a run that has.

    Of a process of another host, or one whose number another has got since, only its lease tells.
    """
    for run in TrainingRun.objects.filter(night=None, state__in=nightly.UNFINISHED):
        if not nightly.is_held(run, now) or is_dead(run.holder):
            runs.ended(run=run, state=State.FAILED, why="killed", now=now)
    at_work = TrainingRun.objects.exclude(state__in=TrainingRun.TERMINAL).values_list("pk", flat=True)
    folders.tidy_all(but=set(map(str, at_work)), before=now)


class Night:
    """One run in our hands."""

    def __init__(self, run: TrainingRun, holder: str, leaving: threading.Event) -> None:
        self.run, self.holder, self.folder = run, holder, folders.folder_of(run)
        self._leaving, self._lost, self._over = leaving, threading.Event(), threading.Event()

    def carry(self) -> None:
        """Step by step until it has ended, or is not ours any more."""
        logger.info("night %s: taken up at %s", self.run.night, self.run.state)
        with self._heart():
            try:
                self._step_by_step()
            except LeaseLost:
                logger.warning("night %s: it was stopped, or somebody else holds it now", self.run.night)
                self.run.refresh_from_db(fields=["state", "why"])
            except Leaving:
                nightly.let_go(run=self.run, holder=self.holder, tried=False)
                logger.info("night %s: left at %s, to be taken up again", self.run.night, self.run.state)
            except Again as fault:
                logger.warning("night %s: %s", self.run.night, fault)
                nightly.let_go(run=self.run, holder=self.holder, tried=True)
            except Exception:  # the next tick takes it up again, and gives it up in the end
                logger.exception("night %s: broke off at %s", self.run.night, self.run.state)
                nightly.let_go(run=self.run, holder=self.holder, tried=True)
        if self.run.state in TrainingRun.TERMINAL:
            folders.tidy(self.folder)
            logger.info("night %s: %s %s", self.run.night, self.run.state, self.run.why)

    def _step_by_step(self) -> None:
        steps: dict[str, Callable[[], None]] = {
            State.PAIRING: self._pair,
            State.TRAINING: self._train,
            State.GATING: self._judge,
            State.PROMOTING: self._promote,
        }
        try:
            while step := steps.get(self.run.state):
                self._check()
                step()
        except Ended as fault:
            said = {"state": fault.state, "why": fault.why, "detail": fault.detail}
            nightly.end(run=self.run, holder=self.holder, now=timezone.now(), **said)
            if self.run.adapter is not None:
                promoting.take_back(adapter=self.run.adapter)

    def _check(self) -> None:
        """Before each step, and within the last one again and again: whether to go on at all."""
        self._stay()
        close_old_connections()  # hours pass between two looks
        if self.run.attempt > nightly.MOST_ATTEMPTS:
            raise Ended(State.FAILED, "too_many_attempts")
        if self.run.state != State.PROMOTING and timezone.now() >= self._deadline:
            raise Ended(State.STOPPED, "deadline")
        if self.run.state != State.PAIRING and not runs.is_clean(self.run):
            raise Ended(State.STOPPED, "withdrawn")
        if self.run.state != State.PAIRING and not nightly.is_served(self.run):
            raise Ended(State.STOPPED, "model_gone")

    def _stay(self) -> None:
        if self._lost.is_set():
            raise LeaseLost(str(self.run.pk))
        if self._leaving.is_set():
            raise Leaving

    @property
    def _deadline(self) -> datetime:
        return self.run.deadline or timezone.now()

    # --- the steps ---------------------------------------------------------------------------------------------------
    def _pair(self) -> None:
        nightly.read(run=self.run, holder=self.holder, now=timezone.now())
        if self.run.state != State.PAIRING:
            return
        base, served_as = self._base()
        nightly.prepare(run=self.run, holder=self.holder, base=base, served_as=served_as, now=timezone.now())

    def _base(self) -> tuple[Path, str]:
        """The folder that adapters are trained on, and what nodes call it."""
        node = next(iter(nodes.taking()), None)
        if node is None:
            raise Ended(State.SKIPPED, "no_node")
        if settings.NIGHT_BASE:
            return Path(settings.NIGHT_BASE), node.model
        file, made = Path(str(node.plan.get("model", ""))), self.folder / "base.txt"
        if file.suffix != ".gguf":
            raise Ended(State.SKIPPED, "no_base")
        made.unlink(missing_ok=True)
        if self._aside("training.base", file, out=made) or not made.read_text(encoding="utf-8").strip():
            raise Ended(State.FAILED, "no_base")
        return Path(made.read_text(encoding="utf-8").splitlines()[-1]), node.model

    def _train(self) -> None:
        code = self._aside(settings.NIGHT_TRAINER, self.folder)
        if code or not (self.folder / "adapter").is_dir():
            self._check()  # it was stopped in time, or for a reason of ours
            outcome = folders.told(self.folder / "outcome.json")
            stopped = outcome.get("state") == "stopped"
            raise Ended(State.STOPPED if stopped else State.FAILED, str(outcome.get("why") or "killed"))
        nightly.trained(run=self.run, holder=self.holder)

    def _judge(self) -> None:
        given = nightly.to_judge(run=self.run, node=_asked(self.run.config["served_as"]))
        folders.give_json(self.folder / "gate.json", given)
        code = self._aside(settings.NIGHT_JUDGE, self.folder)
        verdict = folders.told(self.folder / "verdict.json")
        if code == ENGINE_AWAY:
            raise Again("the node that writes for the gate is away")
        if code != (0 if verdict.get("passed") is True else 1) or not verdict:
            self._check()  # it was stopped in time
            raise Ended(State.FAILED, "gate_broken")  # who was not judged does not write
        nightly.judged(run=self.run, holder=self.holder, verdict=verdict, now=timezone.now())

    def _promote(self) -> None:
        try:
            adapter = nightly.registered(run=self.run, holder=self.holder, now=timezone.now())
            load_everywhere(adapter, LOADING, self._check)
            nightly.promoted(run=self.run, holder=self.holder, adapter=adapter, now=timezone.now())
        except BadAdapter as fault:
            raise Ended(State.FAILED, "bad_adapter", str(fault)) from fault
        except NotPromoted as fault:
            ended = State.STOPPED if fault.code in ("paused", "withdrawn") else State.FAILED
            raise Ended(ended, fault.code, fault.detail) from fault

    def _aside(self, module: str, given: Path, out: Path | None = None) -> int:
        return aside.run(module, given, folder=self.folder, until=self._deadline, look=self._stay, out=out)

    # --- the heart ---------------------------------------------------------------------------------------------------
    @contextmanager
    def _heart(self) -> Iterator[None]:
        """Keeps the lease while a step works."""
        beating = threading.Thread(target=self._beat, name="heart", daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._over.set()
            beating.join()

    def _beat(self) -> None:
        """A database that is away for longer than the lease is a lost lease."""
        heard = time.monotonic()
        try:
            while not self._over.wait(BEAT):
                with suppress(DatabaseError):
                    close_old_connections()
                    if not nightly.keep(run=self.run.pk, holder=self.holder, now=timezone.now(), **self._told()):
                        break
                    heard = time.monotonic()
                if time.monotonic() - heard > nightly.LEASE.total_seconds() - 2 * BEAT:
                    break
            if not self._over.is_set():
                self._lost.set()
        finally:
            connection.close()

    def _told(self) -> dict[str, Any]:
        progress = folders.last_told(self.folder / "progress.jsonl")
        return {"progress": progress} if progress else {}


def _asked(model: str) -> EngineNode | None:
    """The node that writes what is judged: a ready one of this base, if there is any."""
    rows = EngineNode.objects.filter(state=EngineNode.State.ACTIVE, model=model).exclude(url="")
    near = filter(nodes.is_near, rows)
    return min(near, key=lambda row: (row.health != "ready", row.name), default=None)


def load_everywhere(adapter: Adapter, patience: timedelta, check: Callable[[], None]) -> None:
    """Until every active node has proved it. Raises NotPromoted, with the adapter taken back, and what `check` does."""
    row, until = promoting.offer(adapter=adapter), time.monotonic() + patience.total_seconds()
    while not (stands := promoting.standing(adapter=row)).everywhere:
        check()
        if "weak_reference" in stands.failed.values():  # known of the adapter alone, whatever the node
            code, names = "too_faint", []
        elif stands.failed:
            code, names = "node_failed", [f"{name} ({why})" for name, why in stands.failed.items()]
        elif not stands.waiting:
            code, names = "no_node", []
        elif time.monotonic() > until:
            code, names = "not_loaded", stands.waiting
        else:
            time.sleep(aside.LOOK)
            continue
        promoting.take_back(adapter=row)
        raise NotPromoted(code, ", ".join(names))
