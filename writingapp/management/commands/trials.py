"""Blind trials, from a terminal."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from writingapp.models import Adapter, Trial
from writingapp.night import load_everywhere
from writingapp.services import letters, trials
from writingapp.services.promoting import NotPromoted


def percent(word: str) -> float:
    """As a share, 0 to 1."""
    share = float(word)
    if not 0 <= share <= 100:
        raise ArgumentTypeError("0 to 100")
    return share / 100


class Command(BaseCommand):
    """`manage.py trials [show | start NAME --share 20 | share 50 | stop]`"""

    help = "Show, start, widen or stop a blind trial of an adapter against the one that writes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("show", help="every trial and how it stands")
        start = verbs.add_parser("start", help="let some writers meet an adapter, blindly")
        start.add_argument("name")
        start.add_argument("--share", type=percent, required=True, help="percent of the writers")
        start.add_argument("--minutes", type=float, default=15, help="how long to wait for the nodes; 15")
        verbs.add_parser("share", help="another share; whoever is in stays in as it grows").add_argument(
            "share", type=percent
        )
        verbs.add_parser("stop", help="end it undecided")

    def handle(self, *, verb: str | None, **said: Any) -> None:
        now = timezone.now()
        try:
            match verb:
                case "start":
                    self._start(said["name"], said["share"], said["minutes"])
                case "share":
                    trials.widen(share=said["share"], now=now)
                case "stop":
                    trials.stop(now=now)
        except NotPromoted as fault:
            raise CommandError(letters.because(fault.code, fault.detail, "en")) from fault
        for row in Trial.objects.all():
            self.stdout.write(_line(row))

    def _start(self, name: str, share: float, minutes: float) -> None:
        adapter = Adapter.objects.filter(pk=name).first()
        if adapter is None:
            raise CommandError(f"{name}: there is no such adapter")
        load_everywhere(adapter, timedelta(minutes=minutes), lambda: None)
        trials.start(challenger=adapter, share=share, now=timezone.now())


def _line(row: Trial) -> str:
    told = row.figures
    stands = "{wins} sittings won, {losses} lost, {even} even; evidence {better:.2g} for, {worse:.2g} against"
    figures = stands.format(**told) if "wins" in told else "nothing counted yet"
    against = row.champion_id or "the base"
    if row.shadow:
        figures += "; in the shadow {asked} asked, {failed} failed, {broken} broken, {out_of_form} out of form".format(
            **row.shadow
        )
    return f"{row.challenger_id} against {against}: {row.state} at {row.share:.0%} of the writers; {figures}"
