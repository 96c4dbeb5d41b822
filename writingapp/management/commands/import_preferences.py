"""Whether a file of preferences can be read, and what is in it. It writes nothing."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from training.datasets import FORMATS, BadDataset
from training.parquet import read


class Command(BaseCommand):
    """`manage.py import_preferences --format trl PATH`"""

    help = "Read a file or folder that export_preferences wrote, and tell what is in it. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", required=True, choices=list(FORMATS), dest="form_of_file")

    def handle(self, *, path: Path, form_of_file: str, **_said: object) -> None:
        try:
            rows = read(path, form_of_file)
        except BadDataset as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"{len(rows):6} pairs by {len({row.writer for row in rows})} writers")
        for name in ("split", "source", "form"):
            for value, count in sorted(Counter(getattr(row, name) for row in rows).items()):
                self.stdout.write(f"{count:6}   {name} {value or 'none'}")
