"""A stand-in for SGLang, which needs a GPU: it was checked against its source only."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.engines.servers import at_work
from tests.engines.standins.standing import standing
from tests.engines.stands import Stand


@contextmanager
def stand() -> Iterator[Stand]:
    """It starts with no adapter, and takes two while it runs."""
    notes = {
        "real": "needs a GPU: checked against its source only",
        "seed": "its seed counts only with --enable-deterministic-inference",
        "model": "it serves its one model whatever it is called",
        "unloaded": "it loads an unloaded adapter again as soon as one is asked for",
    }
    with standing("sglang", "sglang/launch_server.py", notes, at_work) as made:
        yield made
