"""The keeper: starts, watches and replaces the managed nodes of this host."""

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from writingapp.keeper import Keeper, KeeperRuns, alone
from writingapp.services import nodes
from writingapp.services.nodes import BadNode


class Command(BaseCommand):
    """`manage.py keep_nodes [--model FILE]`"""

    help = "Start, watch and replace the managed nodes of this host, until stopped."
    requires_system_checks: list[str] = []  # half a second in which nothing loads; `migrate` has run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", type=Path, help="the embedded engine's GGUF file")

    def handle(self, *, model: Path | None, **_options: Any) -> None:
        try:
            with alone():
                self._sync(model)
                asyncio.run(_keep())
        except KeeperRuns as fault:
            raise CommandError("a keeper already runs with this data folder") from fault

    def _sync(self, model: Path | None) -> None:
        """A bad description takes no node from the house."""
        try:
            nodes.sync(model=model)
        except BadNode as fault:
            self.stderr.write(f"{fault}; the nodes stay as they were")


async def _keep() -> None:
    """Until SIGTERM or Ctrl+C."""
    keeping = asyncio.current_task()
    assert keeping
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, keeping.cancel)
    with suppress(asyncio.CancelledError):
        await Keeper().run()
