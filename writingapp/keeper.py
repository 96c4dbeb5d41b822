"""Keeps the managed nodes of this host running as their rows say. One keeper a host; each node is tended by itself."""

import asyncio
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from writingapp import db
from writingapp.services import keeping
from writingapp.services.keeping import BadPlan, Wish
from writingapp.tending import Patience, Tending

logger = logging.getLogger(__name__)

READ_EVERY = 0.5  # seconds
PATIENCE = Patience()


class KeeperRuns(Exception):
    """Another keeper looks after the nodes of this data folder."""


@contextmanager
def alone() -> Iterator[None]:
    """Two keepers would start every node twice. A killed one lets go by that."""
    with (Path(settings.DATA_DIR) / "keeper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeeperRuns from None
        yield


class Keeper:
    """Make and run it on the loop of the main thread: its children are killed when that thread ends."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self._patience = patience
        self._tended: dict[str, tuple[Tending, asyncio.Task[None]]] = {}
        self._bad: dict[str, str] = {}

    async def run(self) -> None:
        """Until cancelled; then every process is ended."""
        async with aiohttp.ClientSession() as http:
            try:
                while True:
                    await self._read(http)
                    await asyncio.sleep(READ_EVERY)
            finally:
                await asyncio.gather(*(self._let_go(name) for name in list(self._tended)))
                with suppress(DatabaseError):  # then our claim ends by itself
                    await db.run(keeping.leave)

    async def _read(self, http: aiohttp.ClientSession) -> None:
        try:
            await db.run(keeping.claim, now=timezone.now())
            wishes = await db.run(keeping.wishes)
        except DatabaseError as fault:
            logger.error("the nodes' rows cannot be read now (%s)", fault)
            return
        for name in set(self._tended) - set(wishes):
            logger.info("node %s is no longer wanted", name)
            await self._let_go(name)
            await db.run(keeping.gone, name=name)
        self._bad = {name: words for name, words in self._bad.items() if isinstance(wishes.get(name), BadPlan)}
        for name, wish in wishes.items():
            if isinstance(wish, BadPlan):
                self._complain(name, str(wish))
            else:
                self._heed(wish, http)

    def _heed(self, wish: Wish, http: aiohttp.ClientSession) -> None:
        if wish.name in self._tended:
            self._tended[wish.name][0].wish = wish
            return
        tending = Tending(wish, http, self._patience)
        self._tended[wish.name] = tending, asyncio.create_task(tending.tend())

    def _complain(self, name: str, words: str) -> None:
        """Once. What already runs goes on as it is."""
        if self._bad.get(name) != words:
            self._bad[name] = words
            logger.error("node %s is not started as its row says: %s", name, words)

    async def _let_go(self, name: str) -> None:
        tending, task = self._tended.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await tending.stop()
