"""One event loop on a thread of its own, for a worker whose tasks run on many threads."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

logger = logging.getLogger(__name__)

ANEW_AFTER = 1.0  # seconds

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Hand a coroutine to the loop; the loop starts with the first."""
    global _loop  # one loop a process is the point
    with _lock:
        if _loop is None:
            _loop = uvloop.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="loop", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loop)


class Errands(set["asyncio.Task[None]"]):
    """Tasks that nobody waits for. A loop holds its tasks weakly; here each stays until it has ended."""

    __slots__ = ()

    def send(self, work: Coroutine[Any, Any, None]) -> None:
        errand = asyncio.create_task(work)
        self.add(errand)
        errand.add_done_callback(self.discard)


async def endless(chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A chore without end: should it break, it is told of and begins anew. A worker without it would be deaf or blind
    for the rest of its life.
    """
    while True:
        try:
            await chore()
        except Exception:
            logger.exception("%s broke, and begins anew", chore.__qualname__)
        await asyncio.sleep(ANEW_AFTER)
