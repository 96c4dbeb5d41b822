"""A run by hand: pairs, training, and the adapter in the registry. It does not serve: nothing has judged it yet."""

import subprocess
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from writingapp import night
from writingapp.models import TrainingRun
from writingapp.services import adapters, folders, nightly, runs
from writingapp.services.adapters import BadAdapter
from writingapp.services.pairing import pair_up

State = TrainingRun.State
OUTCOMES = {"stopped": State.STOPPED}  # by what training says; everything else that made no adapter has failed


class Command(BaseCommand):
    """`manage.py train --base FOLDER --served-as MODEL [--minutes N] [--set rank=16 …]`"""

    help = "Train an adapter on the consented pairs and register it. It is not served by this."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base", type=Path, required=True, help="a folder made by: python -m training.base MODEL")
        parser.add_argument("--served-as", required=True, help="what nodes call that base")
        parser.add_argument("--minutes", type=float, default=0, help="stop by then; 0: as long as it takes")
        parser.add_argument("--set", nargs="*", default=[], metavar="KNOB=VALUE", help="of training.config.Config")

    def handle(self, *, base: Path, served_as: str, minutes: float, set: list[str], **_said: object) -> None:
        now = timezone.now()
        config = _config(base, served_as, minutes, set)
        pair_up(night=timezone.localdate(now), now=now)
        run, groups = runs.begin(method=str(config.get("method", "dpo")), now=now, holder=night.holder())
        if run.state == State.SKIPPED:
            raise CommandError(
                f"There are too few pairs: {run.manifest['pairs']}, of at least {settings.TRAIN_FEWEST}."
            )
        TrainingRun.objects.filter(pk=run.pk).update(config=config)
        folder = folders.folder_of(run)
        try:
            folders.give(folder, config, groups)
            self._conclude(run, folder, served_as, _trained(run, folder))
        finally:
            folders.tidy(folder)

    def _conclude(self, run: TrainingRun, folder: Path, served_as: str, code: int) -> None:
        outcome = folders.told(folder / "outcome.json")
        if code or not (folder / "adapter").is_dir():
            state = OUTCOMES.get(str(outcome.get("state")), State.FAILED)
            runs.ended(run=run, state=state, why=str(outcome.get("why", "killed"))[:60], now=timezone.now())
            raise CommandError(f"No adapter came of it: {outcome.get('why', 'killed')}.")
        try:
            adapter = adapters.lay(folder=folder / "adapter", label="run", base=served_as)
        except BadAdapter as fault:
            runs.ended(run=run, state=State.FAILED, why="bad_adapter", now=timezone.now())
            raise CommandError(str(fault)) from fault
        manifest = folders.told(folder / "manifest.json")
        runs.learnt(run=run, adapter=adapter, manifest=manifest | {"outcome": outcome}, now=timezone.now())
        self.stdout.write(f"{adapter.name}: registered, not serving. Nothing has judged it yet.")


def _trained(run: TrainingRun, folder: Path) -> int:
    """The exit code. The lease is kept meanwhile: whoever is not heard of is taken for dead, and tidied up after."""
    process = subprocess.Popen([sys.executable, "-m", "training.launch", str(folder)], cwd=settings.ROOT)
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=night.BEAT)
            _keep(run)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _keep(run: TrainingRun) -> None:
    with suppress(DatabaseError):  # it may be back in time
        close_old_connections()
        if not nightly.keep(run=run.pk, holder=run.holder, now=timezone.now()):
            raise CommandError("It was taken for dead, and has been ended.")


def _config(base: Path, served_as: str, minutes: float, knobs: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {"base": str(base.resolve()), "served_as": served_as, "seed": 0}
    config |= {"finish_by": time.time() + 60 * minutes} if minutes else {}
    return config | folders.knobs(knobs)
