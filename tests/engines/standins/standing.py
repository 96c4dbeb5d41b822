"""Puts a stand-in where the engine would be: our launch starts it, as it would start the engine."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines.servers import Server
from tests.engines.standins.paper import paper
from tests.engines.stands import Stand
from tests.processes import ROOT, free_port

KEY = "a key that nothing may show"


@contextmanager
def standing(kind: str, module: str, notes: dict[str, str], running: Callable[[Node], int]) -> Iterator[Stand]:
    """`module` is the file that `python -m` would run if the engine were installed; here it runs the stand-in."""
    port = free_port()
    node = Node(kind, kind, f"http://127.0.0.1:{port}", KEY, "base", 8)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        instead = folder / "instead" / module
        instead.parent.mkdir(parents=True)
        instead.write_text(f"from tests.engines.standins.{kind} import main\nmain()\n", encoding="utf-8")
        first, second = paper(folder, "dawn", 0.5), paper(folder, "dusk", 1.0)
        given = () if engine(kind).traits.loads else (first, second)
        plan = Plan(Path(sys.executable), "/models/base", port, "base", key=KEY, capacity=8, adapters=given)
        launch = engine(kind).launch(plan)
        path = {"PYTHONPATH": f"{folder / 'instead'}:{ROOT}"}
        launch = replace(launch, environment={**launch.environment, **path}, ready_within=20)
        server = Server(node, launch, folder / "log")
        try:
            server.wait()
            yield Stand(node, False, lambda: running(node), server.restart, first, second, folder / "log", notes)
        finally:
            server.stop()
