"""`transformers serve` on this CPU, with the 0.5B in float32 and both adapters from its start."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines import adapters
from tests.engines.servers import Server
from tests.engines.stands import Stand
from tests.processes import free_port

LOOK = 0.3  # seconds; a token takes as long


@contextmanager
def stand() -> Iterator[Stand]:
    port = free_port()
    first, second = adapters.first(), adapters.second()
    plan = Plan(
        Path(sys.executable), str(adapters.base_folder()), port, threads=2, capacity=1, adapters=(first, second)
    )
    node = Node("transformers", "transformers", f"http://127.0.0.1:{port}", capacity=1)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        server = Server(node, engine("transformers").launch(plan), log)
        try:
            server.wait()
            yield Stand(node, True, lambda: at_work(server), server.restart, first, second, log)
        finally:
            server.stop()


def at_work(server: Server) -> int:
    """It does not tell how many texts it makes; one at a time, or none, and a process that makes none does nothing."""
    process = psutil.Process(server.process.popen.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(LOOK)
    return int(sum(process.cpu_times()[:2]) - before > LOOK / 10)
