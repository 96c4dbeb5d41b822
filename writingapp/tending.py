"""One managed node: its process started, watched, and replaced when another is wanted.

A node whose row changes, or that should serve other adapters and cannot take them while it runs, gets a second process
beside the first. That one is proved, and then named in the row. Workers read the rows every second; the first process
ends the texts that it has, and is stopped once it is idle.
"""

import asyncio
import logging
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from inference.adapters import AdapterError, facts_of
from inference.children import Child, free_port, is_free, room
from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Health, Node, Plan
from inference.proof import prove
from inference.request import Request, messages, sampling, warm_asks
from writingapp import db
from writingapp.loop import Errands
from writingapp.services import keeping
from writingapp.services.keeping import Wish

logger = logging.getLogger(__name__)

WARMED = 2  # of the likeliest asks, read before writers are sent to a new process


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds."""

    look: float = 0.5  # between two looks at a node
    hung: float = 30.0  # without a healthy answer, of a process that was ready before
    stop: float = 5.0  # for a process to end when it is asked to
    heard: float = 2.5  # until every worker has read a row anew
    drain: float = 60.0  # for the texts of a replaced process to end
    rest: float = 30.0  # at most, between two starts of what cannot stay up
    again: float = 3600.0  # until an adapter that was refused, or a change that failed, is tried once more


class Fallen(Exception):
    """A process that never became ready, and has been ended; the message says how."""


class Tending:
    """Tends one node. `wish` may be set anew at any time."""

    def __init__(self, wish: Wish, http: aiohttp.ClientSession, patience: Patience) -> None:
        self.wish = wish
        self._http = http
        self._patience = patience
        self._child: Child | None = None  # the one that the row names
        self._made = wish  # what it was started for
        self._all: set[Child] = set()
        self._retiring = Errands()
        self._told: dict[str, Any] = {}  # what is known of adapters
        self._said: tuple[str, dict[str, Any]] | None = None  # what the row says: where, and of adapters
        self._refused: dict[str, dict[str, Any]] = {}  # adapters that this node does not serve, and why
        self._since: dict[str, float] = {}  # when each was refused
        self._declined: tuple[Wish, float] | None = None  # a change that failed, and when
        self._falls = 0

    async def tend(self) -> None:
        """Until cancelled; then call `stop`."""
        faults = 0
        while True:
            try:
                await self._look()
                faults = 0
            except Fallen as fall:
                await self._rest(str(fall))
            except Exception as fault:  # whatever it is: a node that nobody tends is never started again
                faults += 1
                strange = not isinstance(fault, DatabaseError | OSError | EngineError)
                logger.error("node %s: %s: %s", self.wish.name, type(fault).__name__, fault, exc_info=strange)
            await asyncio.sleep(self._pause(faults))

    def _pause(self, failures: int) -> float:
        return min(self._patience.rest, self._patience.look * 2.0 ** min(failures, 10))

    async def stop(self) -> None:
        """End every process of the node."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*(child.stop(self._patience.stop) for child in self._all))

    async def _look(self) -> None:
        wish = self._servable()
        if self._child is None:
            await self._begin(wish)
        elif how := self._child.fell:
            self._lose(self._child, how)
        elif _alike(wish, self._made) or self._has_declined(wish):
            await self._watch(self._child)
        elif wish.planned.one_at_a_time:
            await self._replace_after(wish, self._child)
        elif room() < (needed := self._child.memory()):
            gigabytes = needed / 1e9
            logger.warning("node %s: no room for a second copy (%.1f GB); it stops first", wish.name, gigabytes)
            await self._replace_after(wish, self._child)
        else:
            await self._replace_beside(wish, self._child)

    # --- the first start, and every start after a fall ---------------------------------------------------------------

    async def _begin(self, wish: Wish) -> None:
        """Start it, and say where at once, so that its loading is seen; its adapters are proved once it is ready."""
        host = str(wish.planned.address)
        port = wish.planned.port or free_port(host)
        if not is_free(port, host):
            logger.error("node %s: port %d is taken, so it takes another", wish.name, port)
            port = free_port(host)
        self._told = dict(self._refused)
        self._said = None  # an engine that loads has forgotten what its row says
        await self._say(f"http://{host}:{port}")
        child = self._child = self._start(wish, port)
        self._made = wish
        try:
            await self._ready(child, wish)
        except Fallen:
            self._child = None
            if self._falls:  # it may be for an adapter's sake: try without any
                for adapter in wish.adapters:
                    self._refuse(adapter.name, "not_started")
            raise
        for adapter, said in [(each, await self._proof(child, wish, each)) for each in wish.adapters]:
            self._told[adapter.name] = said
        await self._say(child.url)

    def _start(self, wish: Wish, port: int) -> Child:
        planned = wish.planned.model_dump(exclude={"address", "port", "python", "replace"})
        plan = Plan(
            python=wish.planned.python or Path(sys.executable),
            host=str(wish.planned.address),
            port=port,
            served=wish.model,
            key=wish.key,
            capacity=wish.capacity,
            adapters=wish.adapters,
            **planned,
        )
        child = Child(wish.kind, plan, self._log)
        self._all.add(child)
        return child

    async def _ready(self, child: Child, wish: Wish) -> None:
        """Wait until it is. Raises Fallen, with the process ended."""
        while not await self._is_ready(child, wish):
            if child.fell or child.late:
                how = child.fell or f"not ready within {child.silent:.0f} s"
                self._end(child)
                raise Fallen(how)
            await asyncio.sleep(self._patience.look / 2)
        logger.info("node %s is ready at %s after %.1f s", wish.name, child.url, time.monotonic() - child.began)

    async def _rest(self, how: str) -> None:
        self._falls += 1
        logger.error("node %s does not start (%s); see %s", self.wish.name, how, self._log)
        await asyncio.sleep(self._pause(self._falls))

    # --- while it runs -----------------------------------------------------------------------------------------------

    async def _watch(self, child: Child) -> None:
        await self._is_ready(child, self._made)
        if child.silent > self._patience.hung:
            self._end(child)
            self._lose(child, f"silent for {child.silent:.0f} s")
        elif child.stayed > self._patience.rest:
            self._falls = 0
        self._told = {name: each for name, each in self._told.items() if each["state"] == "proved"} | self._refused
        await self._say(child.url)
        child.bound_log()

    def _lose(self, child: Child, how: str) -> None:
        """It has ended by itself: the next look starts another."""
        logger.error("node %s stopped (%s) and is started again", self.wish.name, how)
        self._end(child)
        self._child = None

    def _end(self, child: Child) -> None:
        child.kill()
        self._all.discard(child)

    # --- replacing ---------------------------------------------------------------------------------------------------

    async def _replace_beside(self, wish: Wish, old: Child) -> None:
        """The old one serves until the new one has shown that it does what it should."""
        logger.info("node %s is being replaced", wish.name)
        new = self._start(wish, free_port(str(wish.planned.address)))
        try:
            await self._ready(new, wish)
            told = {each.name: await self._proof(new, wish, each) for each in wish.adapters}
            failed = [name for name, said in told.items() if said["state"] == "failed"]
            if failed:
                return  # the old one goes on, or is replaced for the sake of those that did not fail
            await self._warm(new, wish)
            await db.run(keeping.say, name=wish.name, url=new.url, adapters=told | self._refused)
            self._child, self._made, self._told = new, wish, told | self._refused
            self._said = new.url, dict(self._told)
        except Fallen as fall:
            logger.error("node %s: its replacement does not start (%s); see %s", wish.name, fall, self._log)
            self._decline(wish)
            return
        finally:
            if self._child is not new and new in self._all:
                await new.stop(self._patience.stop)
                self._all.discard(new)
        logger.info("node %s is replaced: now at %s", wish.name, new.url)
        self._retiring.send(self._retire(old))

    async def _replace_after(self, wish: Wish, old: Child) -> None:
        """Where memory holds one copy only: no new texts, let the old ones end, then start the new process."""
        await self._say("")
        await self._retire(old)
        self._child = None
        await self._begin(wish)

    async def _retire(self, old: Child) -> None:
        """Stop it once it makes no text, or has had long enough."""
        until = time.monotonic() + self._patience.drain
        await asyncio.sleep(self._patience.heard)
        while await self._works(old) and time.monotonic() < until:  # noqa: ASYNC110 - its end sets no event of ours
            await asyncio.sleep(self._patience.look)
        await old.stop(self._patience.stop)
        self._all.discard(old)

    async def _works(self, old: Child) -> bool:
        return not old.fell and (await self._health(old, self._made)).running != 0

    async def _warm(self, new: Child, wish: Wish) -> None:
        """Read what is likeliest to be asked for, with the adapter that writes."""
        serving = wish.adapters[0].name if wish.adapters else ""
        for ask in warm_asks()[:WARMED]:
            request = Request(messages(ask), sampling(ask, 0, 0), adapter=serving)
            await engine(wish.kind).read_ahead(self._http, self._node(new, wish), request)

    # --- adapters ----------------------------------------------------------------------------------------------------

    def _servable(self) -> Wish:
        """The wish, less the adapters that this node refused lately, and those whose folder cannot be read."""
        for adapter in self.wish.adapters:
            if time.monotonic() - self._since.get(adapter.name, -self._patience.again) >= self._patience.again:
                self._refused.pop(adapter.name, None)
                try:
                    facts_of(adapter.folder)
                except AdapterError as error:
                    self._refuse(adapter.name, error.code)
        wanted = {adapter.name for adapter in self.wish.adapters}
        self._refused = {name: said for name, said in self._refused.items() if name in wanted}
        served = tuple(adapter for adapter in self.wish.adapters if adapter.name not in self._refused)
        return self.wish.model_copy(update={"adapters": served})

    def _refuse(self, name: str, why: str, **figures: Any) -> dict[str, Any]:
        logger.error("node %s: adapter %s is not served (%s)", self.wish.name, name, why)
        self._since[name] = time.monotonic()
        self._refused[name] = figures | {"state": "failed", "why": why, "at": timezone.now().isoformat()}
        return self._refused[name]

    async def _proof(self, child: Child, wish: Wish, adapter: AdapterFiles) -> dict[str, Any]:
        """What the row will say of it."""
        try:
            proof = await prove(self._http, self._node(child, wish), adapter)
        except EngineError as fault:
            return self._refuse(adapter.name, fault.code)
        if not proof.took:
            return self._refuse(adapter.name, proof.why, moved=proof.moved, off=proof.off)
        logger.info("node %s serves adapter %s", wish.name, adapter.name)
        return asdict(proof) | {"state": "proved", "at": timezone.now().isoformat()}

    def _decline(self, wish: Wish) -> None:
        """A change that cannot be started is not tried again at once; the old process goes on."""
        made = {adapter.name for adapter in self._made.adapters}
        fresh = [adapter for adapter in wish.adapters if adapter.name not in made]
        for adapter in fresh:
            self._refuse(adapter.name, "not_started")
        if not fresh:
            self._declined = wish, time.monotonic()

    def _has_declined(self, wish: Wish) -> bool:
        return (
            self._declined is not None
            and _alike(wish, self._declined[0])
            and time.monotonic() - self._declined[1] < self._patience.again
        )

    async def _say(self, url: str) -> None:
        """Write it in the row, unless that says so. (Of engines that load, another process writes it, after us.)"""
        saying = url, dict(self._told)
        if saying != self._said:
            await db.run(keeping.say, name=self.wish.name, url=url, adapters=saying[1])
            self._said = saying

    # --- small things ------------------------------------------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return Path(settings.DATA_DIR) / "logs" / f"node-{self.wish.name}.log"

    def _node(self, child: Child, wish: Wish) -> Node:
        return Node(wish.name, wish.kind, child.url, key=wish.key, model=wish.model, capacity=wish.capacity)

    async def _health(self, child: Child, wish: Wish) -> Health:
        return await engine(wish.kind).health(self._http, self._node(child, wish))

    async def _is_ready(self, child: Child, wish: Wish) -> bool:
        ready = not child.fell and (await self._health(child, wish)).state == "ready"
        child.note(ready=ready)
        return ready


def _alike(one: Wish, other: Wish) -> bool:
    """Whether one process answers both: which adapter serves is said by each request."""
    first, second = (sorted(wish.adapters, key=lambda adapter: adapter.name) for wish in (one, other))
    return first == second and one.model_copy(update={"adapters": ()}) == other.model_copy(update={"adapters": ()})
