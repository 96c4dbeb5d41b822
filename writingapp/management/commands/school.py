"""The night school's switch."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.utils import timezone

from writingapp.models import School, TrainingRun
from writingapp.services import letters, promoting


class Command(BaseCommand):
    """`manage.py school [pause | resume]`"""

    help = "Pause the night school, let it go on, or show it with its last nights."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("pause", help="no night begins, and nothing is promoted")
        verbs.add_parser("resume", help="let it go on")

    def handle(self, *, verb: str | None, **_said: object) -> None:
        if verb:
            promoting.turn_school(paused=verb == "pause", now=timezone.now())
        row = School.objects.filter(pk=1).first()
        self.stdout.write(f"The school is {row or 'open'}.")
        for run in TrainingRun.objects.filter(night__isnull=False).order_by("-night")[:7]:
            self.stdout.write(letters.paragraph(run, "en"))
