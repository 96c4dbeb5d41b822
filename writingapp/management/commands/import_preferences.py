"""Preferences from a file: what is in it, and a run's folder to learn them in. The database stays as it is: nobody of
this house has said these things, and nobody here could take them back.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from training.config import BadRun
from training.config import read as config_of
from training.datasets import FORMATS, BadDataset, Row
from training.parquet import read
from training.to_learn import groups_of
from writingapp.services import exporting, folders


class Command(BaseCommand):
    """`manage.py import_preferences --format trl PATH [--into RUN --base FOLDER --served-as MODEL --set rank=16 …]`"""

    help = "Read a file or folder of pairs, tell what is in it, and with --into make a run of it for training.launch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", required=True, choices=list(FORMATS), dest="form_of_file")
        parser.add_argument("--into", type=Path, metavar="RUN", help="a folder that is new or empty")
        parser.add_argument("--base", type=Path, help="a folder made by: python -m training.base MODEL")
        parser.add_argument("--served-as", help="what nodes call that base")
        parser.add_argument("--set", nargs="*", default=[], metavar="KNOB=VALUE", help="of training.config.Config")

    def handle(self, *, path: Path, form_of_file: str, into: Path | None = None, **said: object) -> None:
        try:
            rows = read(path, form_of_file)
        except BadDataset as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"{len(rows):6} pairs by {len({row.writer for row in rows})} writers")
        for name in ("split", "source", "form"):
            for value, count in sorted(Counter(getattr(row, name) for row in rows).items()):
                self.stdout.write(f"{count:6}   {name} {value or 'none'}")
        standing = exporting.still_allowed(rows)
        if gone := len(rows) - len(standing):
            self.stdout.write(f"{gone:6} are of this house and may train no more; they are not learnt")
        if into is not None:
            _give(into, standing, said)
            self.stdout.write(f"To learn them: python -m training.launch {into}")


def _give(run: Path, rows: Sequence[Row], said: dict[str, object]) -> None:
    """Raises CommandError, and leaves no run that training would refuse."""
    base, served_as, knobs = said.get("base"), said.get("served_as"), said.get("set")
    if not isinstance(base, Path) or not isinstance(served_as, str):
        raise CommandError("A run needs --base and --served-as.")
    if not rows:
        raise CommandError("There is nothing to learn in it.")
    if run.exists() and any(run.iterdir()):
        raise CommandError(f"There is something in {run} already.")
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = {"base": str(base.resolve()), "served_as": served_as, "seed": 0}
    folders.give(run, config | folders.knobs(knobs if isinstance(knobs, list) else []), groups_of(rows))
    try:
        config_of(run)
    except BadRun as fault:
        for file in run.iterdir():
            file.unlink()
        raise CommandError(str(fault)) from fault
