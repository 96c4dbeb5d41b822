"""Ratings to pairs, from a terminal; the night does the same by itself."""

from argparse import ArgumentParser
from datetime import date

from django.core.management.base import BaseCommand
from django.utils import timezone

from writingapp.services.pairing import pair_up


class Command(BaseCommand):
    """`manage.py pair_ratings [--night 2026-11-24]`"""

    help = "Make pairs of the ratings that nobody has looked at yet, and tell how many came in, went out, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--night", type=date.fromisoformat, help="the night they are counted for; tonight")

    def handle(self, *, night: date | None, **_said: object) -> None:
        now = timezone.now()
        counts = pair_up(night=night or timezone.localdate(now), now=now)
        self.stdout.write(f"{counts.judgements:6} ratings read")
        for what, count in sorted(counts.why.items()):
            self.stdout.write(f"{count:6}   {what}")
        self.stdout.write(f"{counts.made:6} pairs made, {counts.held} of all that were read held back")
        self.stdout.write(f"{counts.withdrawn:6} pairs withdrawn")
        self.stdout.write(f"{counts.postponed:6} inspirations left for the next reading")
