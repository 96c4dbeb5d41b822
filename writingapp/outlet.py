"""From the engine to the log: every running text of a worker leaves through one place, many texts in one round trip.

The first characters of a text leave at once. Later ones wait a moment for company: a little longer the more texts are
being written, since a frame costs every process on its way the same whether it holds one character or five. Each text
waits by itself: if all left at the same moment, the last would queue behind all others in every process.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from redis.exceptions import RedisError

from writingapp.stream import FENCED, Frame, Log

logger = logging.getLogger(__name__)

SHORTEST, PER_TEXT, LONGEST = 0.010, 0.0006, 0.100  # seconds that characters wait for company
STEP, EARLY = 0.010, 0.001  # seconds between two departures at least, and that a text may leave before its turn
TOGETHER = 16  # frames a round trip: of more at once the last would wait for all the others, in every process
AFTER_FAILURE = 0.25  # seconds
SETTLE = 1.0  # seconds that an end waits for its last characters to leave


@dataclass(eq=False, slots=True)
class Stream:
    """One text on its way. `sent` characters stand in the log; `fenced` once a later attempt writes it."""

    session: str
    candidate: str
    attempt: int
    text: str
    sent: int
    started: bool = False
    flying: bool = False
    fenced: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def frame(self) -> Frame:
        return Frame(self.session, self.candidate, self.attempt, self.sent, self.text[self.sent :])


class Outlet:
    """Owns the texts that are being written and the loops that send them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._clock = asyncio.get_running_loop().time  # to find the loop anew for each token is a call of the system
        self._urgent: set[Stream] = set()
        self._waiting: dict[Stream, float] = {}  # since when, by the loop's clock; who waits longest stands first
        self._urgent_called = asyncio.Event()
        self._waiting_called = asyncio.Event()
        self._open = 0

    def open(self, session: str, candidate: str, attempt: int, text: str) -> Stream:
        self._open += 1
        return Stream(session, candidate, attempt, text, len(text))

    def write(self, stream: Stream, piece: str) -> None:
        """Add text; it leaves by itself."""
        stream.text += piece
        stream.settled.clear()
        if stream.started:
            self._wait(stream)
        else:
            stream.started = True
            self._urgent.add(stream)
            self._urgent_called.set()

    async def close(self, stream: Stream) -> None:
        """Wait, not for ever, until the last characters have left."""
        self._open -= 1
        if stream.sent < len(stream.text) and not stream.fenced:
            self._urgent.add(stream)
            self._urgent_called.set()
            try:
                await asyncio.wait_for(stream.settled.wait(), SETTLE)
            except TimeoutError:
                logger.warning("candidate %s: its last characters did not reach the log", stream.candidate)
        self._waiting.pop(stream, None)
        self._urgent.discard(stream)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._send_urgent())
            loops.create_task(self._send_waiting())

    async def _send_urgent(self) -> None:
        while True:
            await self._urgent_called.wait()
            self._urgent_called.clear()
            batch, self._urgent = self._urgent, set()
            await self._send(batch)

    async def _send_waiting(self) -> None:
        while True:
            await self._waiting_called.wait()
            self._waiting_called.clear()
            while self._waiting:
                patience = min(LONGEST, SHORTEST + PER_TEXT * self._open)
                oldest = next(iter(self._waiting.values()))
                await asyncio.sleep(max(STEP, oldest + patience - self._clock()))
                await self._send_those_since(self._clock() + EARLY - patience)

    async def _send_those_since(self, moment: float) -> None:
        batch = list(takewhile(lambda stream: self._waiting[stream] <= moment, self._waiting))
        for each in batch:
            del self._waiting[each]
        for start in range(0, len(batch), TOGETHER):
            await self._send(set(batch[start : start + TOGETHER]))

    async def _send(self, batch: set[Stream]) -> None:
        streams = [each for each in batch if not each.flying and not each.fenced and each.sent < len(each.text)]
        self._later(each for each in batch if each.flying)
        if not streams:
            return
        for each in streams:
            each.flying = True
        try:
            lengths = await self._log.append([each.frame() for each in streams])
        except (RedisError, OSError) as fault:
            logger.warning("the log cannot be written (%s); %d texts wait", type(fault).__name__, len(streams))
            await asyncio.sleep(AFTER_FAILURE)
            lengths = [each.sent for each in streams]
        for stream, length in zip(streams, lengths, strict=True):
            self._landed(stream, length)
        self._later(each for each in streams if not each.fenced and each.sent < len(each.text))

    def _landed(self, stream: Stream, length: int) -> None:
        """The log says where it stands: further on after a repeated frame, further back after it lost its data."""
        stream.flying = False
        if length == FENCED:
            stream.fenced = True
        else:
            stream.sent = min(length, len(stream.text))
        if stream.fenced or stream.sent == len(stream.text):
            stream.settled.set()

    def _later(self, streams: Iterable[Stream]) -> None:
        for each in streams:
            self._wait(each)

    def _wait(self, stream: Stream) -> None:
        self._waiting.setdefault(stream, self._clock())
        self._waiting_called.set()
