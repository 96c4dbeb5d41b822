"""Pairs for a trainer elsewhere, from a terminal."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from training.datasets import FORMATS
from training.parquet import write_folder
from writingapp.models import Pair
from writingapp.services import auditing, exporting
from writingapp.services.choosing import BadFilter, Filter

FILTERS = ("state", "since", "until", "form", "tag", "adapter", "writer", "gap", "reason", "words")


class Command(BaseCommand):
    """`manage.py export_preferences --format trl --out DIR [--state approved] [--since 2026-11-01] [--form wujue] …`"""

    help = "Write approved pairs, whose writers consent at this moment, into a folder for another trainer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", required=True, choices=list(FORMATS), dest="form_of_file")
        parser.add_argument("--out", required=True, type=Path, help="a folder; made if it is not there")
        parser.add_argument("--license", default="other", help="what the card of a Hugging Face folder says")
        for name in FILTERS:
            usual = Pair.State.APPROVED if name == "state" else ""
            parser.add_argument(f"--{name}", default=usual, help="as on the desk")

    def handle(self, *, form_of_file: str, out: Path, license: str, **said: Any) -> None:
        asked = Filter.read({name: said[name] for name in FILTERS})
        try:
            found = asked.pairs(Pair.objects.all())
        except BadFilter as fault:
            raise CommandError(f"--{fault.args[0]}: cannot be understood") from fault
        rows = list(exporting.rows(found))
        allowed, all_of_them = exporting.counted(found)
        written = write_folder(rows, form_of_file, out, license=license)
        detail = {"filter": asked.query(), "format": form_of_file, "rows": len(rows)}
        auditing.note(None, "export.made", "export:terminal", now=timezone.now(), **detail)
        for path in written:
            self.stdout.write(str(path))
        self.stdout.write(
            f"{len(rows)} pairs; {all_of_them - allowed} left out: no consent, or a prompt that quotes her"
        )
        if allowed > len(rows):
            self.stderr.write(f"{allowed - len(rows)} more did not fit: go by dates, with --since and --until")
