"""The embedded engine with the 0.5B, as it serves writers."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines.servers import Server, at_work
from tests.engines.stands import Stand
from tests.processes import free_port
from tests.processes_inference import model_file

KEY = "a key that nothing may show"


@contextmanager
def stand() -> Iterator[Stand]:
    """Two texts at once, on two threads."""
    port = free_port()
    plan = Plan(Path(sys.executable), str(model_file()), port, key=KEY, threads=2)
    node = Node("llamacpp", "llamacpp", f"http://127.0.0.1:{port}", KEY)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        server = Server(node, engine("llamacpp").launch(plan), log)
        try:
            server.wait()
            yield Stand(node, True, lambda: at_work(node), server.restart, log=log)
        finally:
            server.stop()
