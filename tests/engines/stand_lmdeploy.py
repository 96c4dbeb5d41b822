"""A stand-in for LMDeploy, which needs a GPU: it was checked against its source only."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from inference.engines.base import Node
from tests.engines.standins.standing import standing
from tests.engines.stands import Stand


@contextmanager
def stand() -> Iterator[Stand]:
    """It starts with both adapters, and takes none while it runs."""
    notes = {
        "real": "needs a GPU: checked against its source only",
        "load": "it tells how many texts it makes ten seconds late, so nothing of it is told",
    }
    with standing("lmdeploy", "lmdeploy.py", notes, running) as made:
        yield made


def running(node: Node) -> int:
    """Asked of the stand-in by a route that the real one has not."""
    with urllib.request.urlopen(f"{node.url}/health/standin", timeout=5) as told:
        return int(json.load(told))
