"""The engines' nodes, from a terminal: workers follow within a second, nothing is restarted."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from writingapp.models import EngineNode
from writingapp.services import nodes
from writingapp.services.nodes import BadNode

STATES = {"drain": EngineNode.State.DRAINING, "resume": EngineNode.State.ACTIVE, "off": EngineNode.State.OFF}


class Command(BaseCommand):
    """`manage.py nodes [list | put NAME … | drain NAME | resume NAME | off NAME | remove NAME]`"""

    help = "Show, add, change, drain or remove engine nodes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("list", help="every node, how it was last seen, and its adapters")
        put = verbs.add_parser("put", help="add a node, or change what is named of one")
        put.add_argument("name")
        put.add_argument("--kind", help="vllm, sglang, lmdeploy, transformers, llamacpp")
        put.add_argument("--url")
        put.add_argument("--secret", help="the name of its key: an environment variable, or a file in DATA_DIR/keys")
        put.add_argument("--model", help="what requests call the base")
        put.add_argument("--capacity", type=int, help="texts that one worker gives it at once")
        put.add_argument("--weight", type=float)
        put.add_argument("--sees", action=BooleanOptionalAction, default=None, help="its model reads pictures")
        put.add_argument("--managed", action="store_true", default=None, help="started by the keeper of its host")
        put.add_argument("--host", help="whose keeper; empty: any")
        put.add_argument("--plan", type=json.loads, help="JSON: how the keeper starts it")
        for verb, words in {
            "drain": "give it no more texts; what it has it ends",
            "resume": "let it work again",
            "off": "do not use it at all",
            "remove": "forget it",
        }.items():
            verbs.add_parser(verb, help=words).add_argument("name")

    def handle(self, *, verb: str | None, name: str = "", **said: Any) -> None:
        try:
            match verb:
                case "put":
                    nodes.put(
                        name=name,
                        **{key: value for key, value in said.items() if key in nodes.SAID and value is not None},
                    )
                case "remove":
                    nodes.remove(name=name)
                case "drain" | "resume" | "off":
                    nodes.turn(name=name, state=STATES[verb])
        except BadNode as fault:
            raise CommandError(str(fault)) from fault
        for row in EngineNode.objects.all():
            self.stdout.write(_line(row))


def _line(row: EngineNode) -> str:
    adapters = ", ".join(f"{name} {told['state']}" for name, told in sorted(row.adapters.items())) or "no adapters"
    seen = f"{row.health} at {row.seen_at:%H:%M:%S}" if row.seen_at else "not seen yet"
    sees = "; sees" if row.sees else ""
    return f"{row.name:20} {row.kind:12} {row.state:9} {row.url or '(not started)':30} {seen}; {adapters}{sees}"
