"""Engines as real processes, for any test: a fake node that is told how to behave, and the real 0.5B."""

import contextlib
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import Node
from inference.models.catalogue import TAGGER
from inference.supply import from_environment, kept
from tests.processes import Process, free_port, wait_until

CACHED = Path("~/.cache/bailu/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf").expanduser()


@contextlib.contextmanager
def fake_node(*, wait_for: int = 200, **flags: float | str) -> Iterator[Node]:
    """A fake node with these flags (`rate=0`, `misbehave="die"`, `noop=True`), once /health answers `wait_for`."""
    argv = [word for name, value in flags.items() for word in ([f"--{name}"] + [str(value)] * (value is not True))]
    with _started("fake", "inference.engines.fake", argv, wait_for, within=20) as node:
        yield node


@contextlib.contextmanager
def real_engine(*flags: str, threads: int = 1) -> Iterator[Node]:
    """The embedded engine with the 0.5B."""
    with engine_with(model_file(), *flags, threads=threads) as node:
        yield node


@contextlib.contextmanager
def engine_with(model: Path, *flags: str, threads: int = 1) -> Iterator[Node]:
    argv = ["--model", str(model), "--threads", str(threads), *flags]
    with _started("llamacpp", "inference.embedded", argv, 200, within=120) as node:
        yield node


def model_file() -> Path:
    """The 0.5B; skips the test, and says how to get the file, where it is missing."""
    model = Path(os.environ.get("BAILU_TEST_MODEL") or CACHED)
    if not model.is_file():
        pytest.skip(
            f"NO MODEL, SO NOTHING OF THE REAL ENGINE IS TESTED: {model} is missing. Bring it with"
            " `python -m inference.supply qwen2.5-coder-0.5b`, or name a GGUF file in BAILU_TEST_MODEL."
        )
    return model


def tagger_file() -> Path:
    """The classifier of photographs; skips the test, and says how to get the file, where it is missing."""
    found = kept(TAGGER, from_environment().cache)
    if found is None:
        pytest.skip(
            "NO TAGGER, SO WHAT IT SEES IN A PHOTOGRAPH IS NOT TESTED: its file is not in the model cache."
            " Start the house once, or run `make test`, which fetches it."
        )
    return found


@contextlib.contextmanager
def _started(kind: str, module: str, argv: list[str], status: int, *, within: float) -> Iterator[Node]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        process = Process([sys.executable, "-m", module, "--port", str(port), *argv], env={}, log=log)
        try:
            node = Node(name=kind, kind=kind, url=f"http://127.0.0.1:{port}")
            wait_until(
                lambda: _status(node, process, log) == status, within=within, what=f"{module} to answer {status}"
            )
            yield node
        finally:
            process.stop()


def _status(node: Node, process: Process, log: Path) -> int:
    if process.popen.poll() is not None:
        raise RuntimeError(f"it ended with {process.popen.returncode}: {log.read_text()}")
    try:
        with urllib.request.urlopen(f"{node.url}/health", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def running(node: Node) -> int:
    """How many texts a node is making, by its own account."""
    if node.kind == "fake":
        return int(_told(f"{node.url}/health")["running"])
    return sum(slot["is_processing"] for slot in _told(f"{node.url}/slots"))


def _told(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)
