"""Let an adapter write that the gate has passed."""

from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from writingapp.models import Adapter
from writingapp.night import load_everywhere
from writingapp.services import letters, promoting
from writingapp.services.promoting import NotPromoted


class Command(BaseCommand):
    """`manage.py promote NAME [--minutes 15]`"""

    help = "Load an adapter on every active node, and let it write once all of them have proved it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--minutes", type=float, default=15, help="how long to wait for the nodes; 15")

    def handle(self, *, name: str, minutes: float, **_said: object) -> None:
        adapter = Adapter.objects.filter(pk=name).first()
        if adapter is None:
            raise CommandError(f"{name}: there is no such adapter")
        try:
            load_everywhere(adapter, timedelta(minutes=minutes), lambda: None)
            promoting.promote(adapter=adapter, now=timezone.now())
        except NotPromoted as fault:
            raise CommandError(letters.because(fault.code, fault.detail, "en")) from fault
        self.stdout.write(f"{name} writes.")
