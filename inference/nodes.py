"""Which nodes there are, how they are, and which one gets the next text."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from inference.engines import engine
from inference.engines.base import EngineError, Health, Node

RANK = {"ready": 0, "loading": 1, "down": 2}


class Nodes:
    """The nodes of one event loop. A node not probed yet is believed to be ready, and is asked after those that are."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = list(nodes)
        self._outstanding: Counter[str] = Counter()
        self._health: dict[str, Health] = {}

    def pick(self) -> Node:
        """The node with the least outstanding work for its capacity among those that can take some."""
        able = [
            node for node in self.nodes if node.name not in self._health or self._health[node.name].state == "ready"
        ]
        if not able:
            raise EngineError("engine_loading" if self.state().state == "loading" else "engine_down", "no node")
        return min(able, key=lambda node: (self._outstanding[node.name] / node.capacity, node.name not in self._health))

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Node]:
        """A node, counted as working meanwhile; an EngineError that says it is gone marks it so for everybody."""
        node = self.pick()
        self._outstanding[node.name] += 1
        try:
            yield node
        except EngineError as error:
            if error.code == "engine_down":
                self._health[node.name] = Health("down")
            elif error.code == "engine_loading":
                self._health[node.name] = Health("loading")
            raise
        finally:
            self._outstanding[node.name] -= 1

    def idle(self) -> Node | None:
        """The node that the next text would go to, if nothing is being made there."""
        try:
            node = self.pick()
        except EngineError:
            return None
        return None if self._outstanding[node.name] else node

    async def probe(self, http: aiohttp.ClientSession) -> None:
        """Ask every node how it is; what was down may come back by this."""
        found = await asyncio.gather(*(engine(node.kind).health(http, node) for node in self.nodes))
        self._health = {node.name: health for node, health in zip(self.nodes, found, strict=True)}

    def state(self) -> Health:
        """How the best node is; nothing is known before the first probe, which counts as loading."""
        best = min(
            self._health.values(), key=lambda health: (RANK[health.state], -(health.progress or 0)), default=None
        )
        return best or Health("loading" if self.nodes else "down")
