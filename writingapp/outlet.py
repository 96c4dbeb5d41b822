"""From the engine to the log: every running text of a worker leaves through one place, many texts in one round trip.

The first characters of a text leave at once, later ones with those of others that came in the same moment: engines are
read in step (`inference/cadence.py`), so that there are many.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from writingapp.stream import FENCED, Frame, Log

logger = logging.getLogger(__name__)

MOMENT = 0.001  # seconds for those that were read in one turn
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
        self._urgent: set[Stream] = set()
        self._waiting: dict[Stream, None] = {}  # in the order in which they came
        self._urgent_called = asyncio.Event()
        self._waiting_called = asyncio.Event()

    def open(self, session: str, candidate: str, attempt: int, text: str) -> Stream:
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
            await asyncio.sleep(MOMENT)
            self._waiting_called.clear()
            batch, self._waiting = list(self._waiting), {}
            for start in range(0, len(batch), TOGETHER):
                await self._send(batch[start : start + TOGETHER])

    async def _send(self, batch: Iterable[Stream]) -> None:
        """One that is flying is sent again by whoever sent it, if more was written meanwhile."""
        streams = [each for each in batch if not each.flying and not each.fenced and each.sent < len(each.text)]
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
        for each in streams:
            if not each.fenced and each.sent < len(each.text):
                self._wait(each)

    def _landed(self, stream: Stream, length: int) -> None:
        """The log says where it stands: further on after a repeated frame, further back after it lost its data."""
        stream.flying = False
        if length == FENCED:
            stream.fenced = True
        else:
            stream.sent = min(length, len(stream.text))
        if stream.fenced or stream.sent == len(stream.text):
            stream.settled.set()

    def _wait(self, stream: Stream) -> None:
        self._waiting[stream] = None
        self._waiting_called.set()
