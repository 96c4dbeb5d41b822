"""A worker's side of the engines: which nodes the rows name, how they are, and who may ask them. On one event loop."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from inference import cadence, drafting
from inference.engines import engine
from inference.engines.base import Node
from inference.nodes import Need, Nodes
from inference.request import Request
from writingapp import db, metrics, stream, wire
from writingapp.services import adapters, nodes
from writingapp.services.nodes import BadNode

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds: rows, then nodes
FITTED_WITHIN = 10.0  # seconds until a restarted node has its adapters again, and is asked for them again
READING = 2.0  # seconds that an ask waits for its own hint to be read
CONNECTIONS = 4096


class EngineRoom:
    """The nodes, the connections to them, and what is read there ahead of an ask."""

    def __init__(self, log: stream.Log) -> None:
        self._log = log
        self.nodes = Nodes()
        self.http = aiohttp.ClientSession(connector=cadence.Connector(CONNECTIONS))
        self.serving = ""  # the adapter that writes now
        self._lacking: dict[tuple[str, str], float] = {}  # (node, adapter) that a node has denied, and until when
        self._stand: list[Node] = []
        self._seen: dict[str, str] = {}
        self._looked = asyncio.Event()
        self._reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading.set_result(None)
        self._read: tuple[str, str, list[dict[str, str]]] = ("", "", [])  # node, adapter, messages

    async def close(self) -> None:
        await self.http.close()

    @asynccontextmanager
    async def lease(self, need: Need) -> AsyncIterator[Node]:
        """See `Nodes.lease`; the rows have been read by then."""
        await self._looked.wait()
        async with self.nodes.lease(need) as node:
            yield node

    def drafts(self, node: Node) -> int:
        """How many drafts of each couplet to make there: several only where that keeps no other text waiting."""
        seat = next((each for each in self.nodes.seats if each.node.name == node.name), None)
        if seat is None or node.capacity < drafting.ROOMY or not engine(node.kind).traits.constrains:
            return 1
        return max(1, min(settings.DRAFTS, 1 + seat.free // 2))

    def lacks(self, node: str, adapter: str) -> None:
        """A node said that it does not serve an adapter, whatever the rows say: it was restarted a moment ago."""
        self._lacking[node, adapter] = time.monotonic() + FITTED_WITHIN
        self._use(self._stand)

    async def watch(self) -> None:
        """For ever: read the rows, look at the nodes, tell the pages how the best one is."""
        synced = False
        while True:
            synced = synced or await self._sync()
            await self._read_rows()
            self._looked.set()
            await self.nodes.probe(self.http)
            self._show()
            await self._note_seen()
            health = self.nodes.state()
            with suppress(RedisError, OSError):
                await self._log.say_engine(wire.notice("engine", state=health.state, progress=health.progress))
            await asyncio.sleep(LOOK_EVERY)

    async def _sync(self) -> bool:
        """Bring the settings' nodes into the rows; True once that is done, or cannot be done at all."""
        try:
            await db.run(nodes.sync)
        except BadNode as fault:
            logger.error("%s; the nodes stay as they were", fault)
        except DatabaseError as fault:
            logger.warning("the nodes' rows cannot be written yet (%s)", type(fault).__name__)
            return False
        return True

    async def _read_rows(self) -> None:
        """What the rows say; with the database away the nodes stay as they were."""
        try:
            stand, self.serving = await db.run(nodes.standing), await db.run(adapters.serving)
        except DatabaseError as fault:
            logger.warning("the nodes' rows cannot be read (%s)", type(fault).__name__)
            return
        self._lacking = {pair: until for pair, until in self._lacking.items() if until > time.monotonic()}
        self._use(stand)

    def _use(self, stand: list[Node]) -> None:
        for gone in {node.name for node in self._stand} - {node.name for node in stand}:
            metrics.forget_node(gone, next(node.kind for node in self._stand if node.name == gone))
        drained = {node.name for node in self._stand if node.draining}
        for node in stand:
            if node.draining != (node.name in drained):
                # Celery shows no less than a warning unless told to, and this is what an operator waits for.
                logger.warning("node %s %s", node.name, "gets no more texts" if node.draining else "gets texts again")
        self._stand = stand
        self.nodes.update(_less(node, self._lacking) for node in stand)

    def _show(self) -> None:
        metrics.WAITING.set(self.nodes.waiting)
        for seat in self.nodes.seats:
            ready = seat.health is not None and seat.health.state == "ready"
            metrics.NODE_READY.labels(seat.node.kind, seat.node.name).set(ready)
            metrics.BREAKER_OPEN.labels(seat.node.name).set(seat.breaker.state != "closed")
            metrics.UNDER_PEN.labels(seat.node.name).set(seat.ours)

    async def _note_seen(self) -> None:
        """Write down how each node is, when that changes."""
        found: dict[str, str] = {seat.node.name: seat.health.state for seat in self.nodes.seats if seat.health}
        news = {name: state for name, state in found.items() if self._seen.get(name) != state}
        with suppress(DatabaseError):
            for name, state in news.items():
                await db.run(nodes.seen, name=name, health=state, now=timezone.now())
                logger.info("node %s is %s", name, state)
            self._seen = found

    def read_ahead(self, seen: dict[str, Any]) -> None:
        """Only on the node that the ask would go to, if that does nothing else, and only the newest hint."""
        self._reading.cancel()
        node = self.nodes.idle(Need(seen["session"], self.serving))
        if node is not None:
            request = Request(seen["messages"], seen["sampling"], adapter=served(node, self.serving))
            self._reading = asyncio.create_task(self._read_there(node, request))
            self._read = node.name, request.adapter, request.messages

    async def _read_there(self, node: Node, request: Request) -> None:
        with self.nodes.ahead(node):
            await engine(node.kind).read_ahead(self.http, node, request)

    async def let_finish_reading(self, need: Need, messages: list[dict[str, str]]) -> None:
        """What is just being read where the ask goes is waited for, since it would otherwise be read twice; anything
        else is let go.
        """
        if self._reading.done():
            return
        node = self.nodes.likely(need)
        if node is not None and self._read == (node.name, served(node, need.adapter), messages):
            await asyncio.wait({self._reading}, timeout=READING)
        else:
            self._reading.cancel()


def served(node: Node, adapter: str) -> str:
    """The adapter, if the node has it; else its base writes."""
    return adapter if adapter in node.adapters else ""


def _less(node: Node, lacking: Iterable[tuple[str, str]]) -> Node:
    denied = {adapter for name, adapter in lacking if name == node.name}
    return replace(node, adapters=node.adapters - denied)
