"""Which nodes there are, how they are, and which one gets the next text.

One `Nodes` an event loop. Every text takes a seat: the node with the least work for its capacity that the text may
have, or a place in the queue until one is free. Writers come before background work, and a writer with nothing under
the pen comes before one with a text already being written.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

import aiohttp

from inference.breaker import Breaker
from inference.engines import engine
from inference.engines.base import EngineError, Health, Node

RANK = {"ready": 0, "loading": 1, "down": 2}
SLACK = 0.25  # of a node's capacity: so much more work a writer's own node may have and still keep her


class Priority(IntEnum):
    """Who comes first."""

    INTERACTIVE = 0  # a writer waits
    BACKGROUND = 1  # nobody waits; the last free seat of a node stays free for a writer


@dataclass(frozen=True, slots=True)
class Need:
    """What a text wants of a node. `avoid` names nodes that have just failed it, used only where there is no other;
    `sees` asks for one whose model reads pictures, where there is one.
    """

    writer: str = ""
    adapter: str = ""
    priority: Priority = Priority.INTERACTIVE
    avoid: frozenset[str] = frozenset()
    sees: bool = False


@dataclass(eq=False, slots=True)
class Seat:
    """A node as this loop sees it. `elsewhere` is the work that it told of and that is not ours; `ahead` is ours, too,
    but gives way to any text.
    """

    node: Node
    breaker: Breaker
    health: Health | None = None
    ours: int = 0
    ahead: int = 0
    elsewhere: int = 0

    @property
    def able(self) -> bool:
        """Whether it may be asked at all; one that nobody has looked at yet is believed to be ready."""
        known = self.health is None or self.health.state == "ready"
        return known and not self.node.draining and self.breaker.may_ask()

    @property
    def free(self) -> int:
        """Of our own share: what others do there is old when it is told, and engines queue by themselves."""
        return self.node.capacity - self.ours

    @property
    def load(self) -> float:
        return (self.ours + self.elsewhere) / (self.node.capacity * self.node.weight)


@dataclass(eq=False, slots=True)
class _Waiting:
    """A text that waits for a seat."""

    need: Need
    number: int
    called: asyncio.Future[tuple[Seat, int]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Nodes:
    """The nodes of one event loop, changeable while texts are being made."""

    def __init__(self, nodes: Iterable[Node] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seats: dict[str, Seat] = {}
        self._waiting: list[_Waiting] = []
        self._number = 0
        self._held: Counter[str] = Counter()  # texts under the pen, by writer
        self.update(nodes)

    def update(self, nodes: Iterable[Node]) -> None:
        """Use these nodes from now on. What a node that is gone is making may end there."""
        before, self._seats = self._seats, {}
        for node in nodes:
            seat = before.get(node.name)
            if seat is None or (seat.node.url, seat.node.kind) != (node.url, node.kind):
                seat = Seat(node, Breaker(self._clock))
            seat.node = node
            self._seats[node.name] = seat
        self._call()

    @property
    def seats(self) -> list[Seat]:
        """For the operator's figures."""
        return list(self._seats.values())

    @property
    def waiting(self) -> int:
        """How many texts wait for a seat."""
        return len(self._waiting)

    @asynccontextmanager
    async def lease(self, need: Need = Need()) -> AsyncIterator[Node]:
        """A node, counted as working meanwhile; waits while every able node is full.

        Raises EngineError at once when there is none: engine_loading if one is on its way, else engine_down. How the
        text fares there is how the node is judged.
        """
        seat, spell = await self._sit(need)
        try:
            yield seat.node
        except EngineError as error:
            self._judge(seat, spell, error)
            raise
        except BaseException:
            seat.breaker.neither(spell)
            raise
        else:
            seat.breaker.went_well(spell)
        finally:
            seat.ours -= 1
            self._held[need.writer] -= 1
            if not self._held[need.writer]:
                del self._held[need.writer]
            self._call()

    async def _sit(self, need: Need) -> tuple[Seat, int]:
        self._refuse_if_none()
        self._number += 1
        waiting = _Waiting(need, self._number)
        self._waiting.append(waiting)
        self._call()
        try:
            return await waiting.called
        except asyncio.CancelledError:
            if waiting.called.done() and not waiting.called.cancelled() and not waiting.called.exception():
                self._leave(*waiting.called.result(), need)  # it was given a seat in the same moment
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _leave(self, seat: Seat, spell: int, need: Need) -> None:
        seat.ours -= 1
        seat.breaker.neither(spell)
        self._held[need.writer] -= 1
        self._call()

    def _refuse_if_none(self) -> None:
        if not any(seat.able or seat.breaker.trying for seat in self._seats.values()):
            raise self._none()

    def _none(self) -> EngineError:
        return EngineError("engine_loading" if self.state().state == "loading" else "engine_down", "no node")

    def _call(self) -> None:
        """Give free seats to those who wait; send them away when no node is left."""
        while self._waiting:
            ordered = sorted(
                self._waiting, key=lambda each: (each.need.priority, self._held[each.need.writer], each.number)
            )
            found = next(((each, seat) for each in ordered if (seat := self._seat_for(each.need))), None)
            if found is None:
                break
            self._give(*found)
        if self._waiting and not any(seat.able or seat.breaker.trying for seat in self._seats.values()):
            for each in self._waiting:
                each.called.set_exception(self._none())
            self._waiting.clear()

    def _give(self, waiting: _Waiting, seat: Seat) -> None:
        self._waiting.remove(waiting)
        if waiting.called.cancelled():
            return
        seat.ours += 1
        self._held[waiting.need.writer] += 1
        waiting.called.set_result((seat, seat.breaker.begin()))

    def _seat_for(self, need: Need) -> Seat | None:
        """The best free seat. A node with the wanted adapter is worth waiting for; one that failed her is not, unless
        it is the only one.
        """
        able = [seat for seat in self._seats.values() if seat.able]
        able = [seat for seat in able if seat.node.name not in need.avoid] or able
        able = [seat for seat in able if seat.node.sees >= need.sees] or able
        able = [seat for seat in able if need.adapter in seat.node.adapters] or able
        spare = 1 if need.priority is Priority.BACKGROUND else 0
        free = [seat for seat in able if seat.free > min(spare, seat.node.capacity - 1)]
        return min(free, key=lambda seat: _rank(seat, free, need.writer), default=None)

    def _judge(self, seat: Seat, spell: int, error: EngineError) -> None:
        if error.code == "engine_loading":
            seat.health = Health("loading")
            seat.breaker.neither(spell)
        elif error.code in {"engine_busy", "not_served"} or not error.retryable:
            # It answered, and said no to this one text: who says no to all has not gone well.
            seat.breaker.neither(spell)
        elif error.code == "engine_down":
            seat.health = Health("down")
            seat.breaker.failed(spell, gone=True)
        else:
            seat.breaker.failed(spell)

    def likely(self, need: Need) -> Node | None:
        """The node that the next text would go to, if it need not wait."""
        seat = self._seat_for(need)
        return seat.node if seat else None

    @contextmanager
    def ahead(self, node: Node) -> Iterator[None]:
        """Something is read there before it is asked for: that makes the node no less welcome to the ask."""
        seat = self._seats.get(node.name) or Seat(node, Breaker(self._clock))  # it may just have been taken away
        seat.ahead += 1
        try:
            yield
        finally:
            seat.ahead -= 1

    def idle(self, need: Need = Need()) -> Node | None:
        """The node that the next text would go to, if nothing is being made there."""
        seat = self._seat_for(need)
        return seat.node if seat and not seat.ours and not seat.elsewhere else None

    async def probe(self, http: aiohttp.ClientSession) -> None:
        """Ask every node how it is; what was down may come back by this."""
        seats, before = self.seats, {seat.node.name: seat.ours + seat.ahead for seat in self.seats}
        found = await asyncio.gather(*(engine(seat.node.kind).health(http, seat.node) for seat in seats))
        for seat, health in zip(seats, found, strict=True):
            came_back = seat.health is not None and seat.health.state != "ready" and health.state == "ready"
            seat.health = health
            told = (health.running or 0) + (health.waiting or 0)
            seat.elsewhere = max(0, told - max(seat.ours + seat.ahead, before[seat.node.name]))
            if came_back:
                seat.breaker.answers_again()
        self._call()

    def state(self) -> Health:
        """How the best node is; nothing is known before the first probe, which counts as loading."""
        known = [seat.health for seat in self._seats.values() if seat.health and not seat.node.draining]
        best = min(known, key=lambda health: (RANK[health.state], -(health.progress or 0)), default=None)
        return best or Health("loading" if self._seats else "down")


def _rank(seat: Seat, rivals: list[Seat], writer: str) -> tuple[bool, float, float]:
    """Least work first, except that a writer stays where her text has been read, unless others have clearly less."""
    unknown = seat.health is None
    least = min(rival.load for rival in rivals)
    if writer and seat.load <= least + SLACK:
        return unknown, least, -_liking(writer, seat.node)
    return unknown, seat.load, 0.0


def _liking(writer: str, node: Node) -> float:
    """Rendezvous hashing: each writer likes one node best, and losing a node moves only those who liked that one."""
    digest = hashlib.blake2b(f"{writer}/{node.name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * node.weight
