"""A night by hand, or whatever is due; the night worker does the same each minute."""

import signal
from argparse import ArgumentParser
from datetime import date, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from writingapp.models import TrainingRun
from writingapp.night import Watch
from writingapp.services import letters
from writingapp.services.hours import Window


class Command(BaseCommand):
    """`manage.py night [--now [--date 2026-11-24] [--minutes 120]]`"""

    help = "Carry on the night that is due or unfinished; with --now begin one, whatever the hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", action="store_true", help="begin one at once")
        parser.add_argument("--date", type=date.fromisoformat, help="which night it counts as; today")
        parser.add_argument("--minutes", type=float, default=180, help="it has ended by then, but for loading; 180")

    def handle(self, *, now: bool, date: date | None, minutes: float, **_said: object) -> None:
        watch, moment = Watch(), timezone.now()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: watch.leave())
        window = (
            Window(date or timezone.localdate(moment), moment, moment + timedelta(minutes=minutes)) if now else None
        )
        if window and TrainingRun.objects.filter(night=window.night, state__in=TrainingRun.TERMINAL).exists():
            raise CommandError(f"The night of {window.night} has been: one run a night.")
        run = watch.tick(window)
        if run is None:
            raise CommandError("Nothing is due, or somebody else is at it, or the school is paused.")
        self.stdout.write(letters.paragraph(run, "en"))
