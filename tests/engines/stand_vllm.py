"""vLLM on this CPU, with the 0.5B in float32. `make setup-vllm` makes the environment that it runs in."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines import adapters
from tests.engines.servers import Server, at_work
from tests.engines.stands import PATIENT, Stand
from tests.processes import ROOT, free_port

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
KEY = "a key that nothing may show"
CAPACITY = 8


@contextmanager
def stand() -> Iterator[Stand]:
    """It starts with no adapter, and takes two while it runs."""
    if not PYTHON.exists():
        pytest.fail("vLLM is not installed: make setup-vllm")
    port = free_port()
    plan = Plan(PYTHON, str(adapters.base_folder()), port, adapters.SERVED_BASE, key=KEY, capacity=CAPACITY)
    node = Node("vllm", "vllm", f"http://127.0.0.1:{port}", KEY, adapters.SERVED_BASE, CAPACITY, limits=PATIENT)
    first, second = adapters.first(), adapters.second()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        server = Server(node, engine("vllm").launch(plan), log)
        try:
            server.wait()
            yield Stand(
                node, True, lambda: at_work(node), server.restart, first, second, log,
                {"picture": "the model of the tests reads none"},
            )  # fmt: skip
        finally:
            server.stop()
