"""The upkeep worker's part of a night, for tests of one process: nodes are fitted again and again meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from writingapp import fitting


@contextmanager
def fitting_nodes() -> Iterator[None]:
    over = threading.Event()

    def fit() -> None:
        while not over.wait(0.1):
            asyncio.run(fitting.fit_all(timezone.now()))

    thread = threading.Thread(target=fit)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
