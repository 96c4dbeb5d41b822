"""The embedded engine with the 0.5B, as it serves writers."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines import adapters
from tests.engines.servers import Server, at_work
from tests.engines.stands import PATIENT, Stand
from tests.processes import free_port
from tests.processes_inference import model_file

KEY = "a key that nothing may show"
NOTES = {"seed": "what it takes from a computed beginning differs by rounding, and then the draw may differ"}


@contextmanager
def stand() -> Iterator[Stand]:
    """Two texts at once, on two threads, and two adapters from the start."""
    port, first, second = free_port(), adapters.first(), adapters.second()
    plan = Plan(Path(sys.executable), str(model_file()), port, key=KEY, threads=2, adapters=(second, first))
    node = Node("llamacpp", "llamacpp", f"http://127.0.0.1:{port}", KEY, limits=PATIENT)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        launch = engine("llamacpp").launch(plan)
        cold = replace(launch, argv=(*launch.argv, "--cold"))  # what it computes beforehand would be work of its own
        server = Server(node, cold, log)
        try:
            server.wait()
            yield Stand(node, True, lambda: at_work(node), server.restart, first, second, log, NOTES)
        finally:
            server.stop()
