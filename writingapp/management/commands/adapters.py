"""The registry of adapters, from a terminal."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from writingapp.management import importing
from writingapp.models import Adapter
from writingapp.services import adapters, letters, promoting
from writingapp.services.adapters import BadAdapter
from writingapp.services.promoting import NotPromoted


class Command(BaseCommand):
    """`manage.py adapters [list | register FOLDER … | import FOLDER … | load NAME | serve NAME | retire NAME]`"""

    help = "Show, register, load, serve or retire adapters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("list", help="every adapter and where it stands")
        register = verbs.add_parser("register", help="take a PEFT folder into the registry, under a name of its own")
        register.add_argument("folder", type=Path)
        register.add_argument("--label", required=True, help="the beginning of its name; the rest is its hash")
        register.add_argument("--base", required=True, help="the model it was trained on, as nodes call it")
        other = verbs.add_parser("import", help="judge a LoRA that was trained elsewhere, and register it if it passes")
        other.add_argument("folder", type=Path, help="as PEFT, TRL, ms-swift or LLaMA-Factory leave it")
        other.add_argument("--label", required=True, help="the beginning of its name; the rest is its hash")
        other.add_argument("--base", required=True, help="the model it was trained on, as nodes call it")
        other.add_argument("--base-folder", type=Path, required=True, help="that model, as training.base makes it")
        other.add_argument("--gguf", type=Path, help="the file that nodes serve, to write texts with at the gate")
        other.add_argument("--not-ours", action="store_true", help="it saw no judgement of this house")
        for verb, words in {
            "load": "have it on the nodes, without letting it write",
            "serve": "let it write wherever a node has proved it, judged or not; whichever wrote before stays loaded",
            "retire": "for good",
        }.items():
            verbs.add_parser(verb, help=words).add_argument("name")

    def handle(self, *, verb: str | None, **said: Any) -> None:
        try:
            if verb == "register":
                adapters.register(folder=said["folder"], label=said["label"], base=said["base"])
            elif verb == "import":
                importing.bring_in(
                    folder=said["folder"],
                    label=said["label"],
                    base=said["base"],
                    base_folder=said["base_folder"],
                    gguf=said["gguf"],
                    ours=not said["not_ours"],
                )
            elif verb in ("load", "serve", "retire"):
                _turn(verb, said["name"])
        except BadAdapter as fault:
            raise CommandError(str(fault)) from fault
        except NotPromoted as fault:
            raise CommandError(letters.because(fault.code, fault.detail)) from fault
        for row in Adapter.objects.all():
            self.stdout.write(f"{row.name:40} {row.state:8} rank {row.rank:3} on {row.base}")


def _turn(verb: str, name: str) -> None:
    """Raises BadAdapter and NotPromoted."""
    row, now = Adapter.objects.filter(pk=name).first(), timezone.now()
    if row is None:
        raise BadAdapter(f"{name}: there is no such adapter")
    if verb == "load":
        promoting.offer(adapter=row, judged=False)
    elif verb == "serve":
        promoting.serve(adapter=row, now=now)
    else:
        promoting.retire(adapter=row, now=now, why="by_hand")
