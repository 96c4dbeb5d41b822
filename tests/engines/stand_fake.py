"""The fake engine: what its siblings must do, it must do too, or a test that leans on it leans on nothing."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.engines.base import AdapterFiles, Launch, Node
from tests.engines.servers import Server, at_work
from tests.engines.stands import CHAT, Stand
from tests.processes import free_port


@contextmanager
def stand() -> Iterator[Stand]:
    """A hundred tokens a second, so that there is something to stop; half a second of loading."""
    port = free_port()
    argv = (sys.executable, "-m", "inference.engines.fake", "--port", str(port))
    flags = ("--rate", "100", "--tokens", "300", "--loading", "0.5")
    node = Node("fake", "fake", f"http://127.0.0.1:{port}", capacity=8)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        server = Server(node, Launch(argv + flags, ready_within=20), log)
        try:
            server.wait()
            first, second = (_adapter(Path(folder), name, by) for name, by in (("dawn", 0.5), ("dusk", 1.0)))
            yield Stand(node, False, lambda: at_work(node), server.restart, first, second, log)
        finally:
            server.stop()


def _adapter(folder: Path, name: str, by: float) -> AdapterFiles:
    """A folder as the fake engine reads one."""
    own = folder / name
    own.mkdir()
    (own / "adapter_config.json").write_text("{}", encoding="utf-8")
    probe = {"messages": CHAT, "base": {"湖": -1.0, "山": -1.5}, "adapter": {"湖": -1.0 - by, "山": -1.5 - by}}
    (own / "reference.json").write_text(json.dumps({"probes": [probe]}), encoding="utf-8")
    return AdapterFiles(name, own)
