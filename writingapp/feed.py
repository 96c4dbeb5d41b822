"""What one socket has been sent of each candidate, and what it may be sent next.

Frames carry the position of their first character. One that fits goes out as it came; an overlap, a gap, a reconnect
or a late attach is mended from the log, or from the row when the log is gone. A socket that owes too much is not fed
until it acknowledges; then the log gives it the rest at once. One that owes it for long is closed, and so is one for
which too much is queued because the server cannot send it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils import translation
from redis.exceptions import RedisError

from writingapp import db, wire
from writingapp.loop import Errands
from writingapp.models import Candidate
from writingapp.stream import Live, Log

logger = logging.getLogger(__name__)

Send = Callable[[str], Awaitable[None]]
Close = Callable[[int], Coroutine[Any, Any, None]]

WINDOW = 64 * 1024  # bytes that a socket may owe
PATIENCE = 60.0  # seconds that it may owe them while there is more to send
MOST_QUEUED = 4_000_000  # characters that wait to be sent; several of the longest manuscripts
CLOSE_SLOW, CLOSE_LOGGED_OUT = 1013, 4401


@dataclass(slots=True)
class Place:
    """Where a socket stands in one candidate."""

    attempt: int
    seq: int
    acked: int
    mending: bool = False
    missed: bool = False  # something was said while it was being mended
    behind: bool = False  # fed no more until it acknowledges


class Feed:
    """One socket's share of what its session says. `hear` is called by the hub, the rest by the consumer."""

    def __init__(
        self, ident: str, language: str, log: Log, send: Send, close: Close, missed: Callable[[], None] = lambda: None
    ) -> None:
        """`missed` is called when other tabs may have said something that nobody here heard."""
        self.ident = ident
        self.language = language
        self._log = log
        self._send = send
        self._close = close
        self._missed = missed
        self._places: dict[str, Place] = {}  # of candidates that are not over
        self._queue: list[str] = []  # an empty deque is ten times as large, and ten thousand sockets have one each
        self._queued = 0  # characters
        self._idle: asyncio.Future[None] | None = None  # an Event holds a deque, and ten thousand sockets have one each
        self._heard_early: list[Live] | None = []
        self._opened = False
        self._mendings = Errands()
        self._impatient: asyncio.TimerHandle | None = None
        self._given_up = False

    # --- from the consumer ---------------------------------------------------------------------------------------
    def say(self, payload: wire.Payload) -> None:
        """Queue a message of the consumer's own: all that a socket gets leaves through one queue, in order."""
        self._put(wire.dumps(payload))

    def _put(self, body: str) -> None:
        if self._given_up:
            return
        self._queue.append(body)
        self._queued += len(body)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        if self._queued > MOST_QUEUED and len(self._queue) > 1:
            self._give_up()

    def _give_up(self) -> None:
        """It is too slow: close it. What it lacks it finds in the rows and the log when it comes back."""
        self._given_up = True
        self._queue.clear()
        self._mendings.send(self._close(CLOSE_SLOW))

    def tell(self, payload: wire.Payload) -> None:
        """Say the answer to an ask, and follow what it queued."""
        if payload["type"] == "queued":
            self.know(payload["inspiration"])
        self.say(payload)

    def hold(self) -> None:
        """A hello is being put together: what is heard from now on waits for `open`."""
        self._heard_early = []

    def open(self) -> None:
        """The hello is queued: what was heard while it was being put together is looked at now."""
        self._opened = True
        early, self._heard_early = self._heard_early or [], None
        for live in early:
            self.hear(live)

    def know(self, told: wire.Payload) -> None:
        """The socket has been told of an inspiration: from here on its candidates are followed."""
        for each in told["candidates"]:
            if each["status"] not in Candidate.TERMINAL:
                self._places.setdefault(each["id"], Place(each["attempt"], each["seq"], each["seq"]))

    def attach(self, candidate: str, attempt: int, seq: int) -> None:
        """The client says what it holds; whatever it lacks is sent."""
        self._places[candidate] = Place(attempt, seq, seq)
        self._mend(candidate)
        self._go_on()

    def acknowledge(self, candidate: str, seq: int) -> None:
        place = self._places.get(candidate)
        if place is None:
            return
        place.acked = max(place.acked, min(seq, place.seq))
        self._go_on()

    def _go_on(self) -> None:
        """If it owes little again, it is fed what it was not."""
        if self._impatient is None or self._owed() >= WINDOW:
            return
        self._impatient.cancel()
        self._impatient = None
        for candidate, place in self._places.items():
            if place.behind:
                place.behind = False
                self._mend(candidate)

    async def pump(self) -> None:
        """Send what is queued, for as long as the socket lives."""
        loop = asyncio.get_running_loop()
        while True:
            self._idle = None
            while self._queue:
                bodies, self._queue = self._queue, []
                for body in bodies:
                    if self._given_up:
                        return
                    await self._send(body)
                    self._queued -= len(body)
            self._idle = loop.create_future()
            await self._idle

    def busy(self) -> bool:
        """Something is queued or being mended."""
        return self._queued > 0 or self.mending()

    def mending(self) -> bool:
        return bool(self._mendings)

    def shut(self) -> None:
        if self._impatient is not None:
            self._impatient.cancel()
        for mending in self._mendings:
            mending.cancel()

    # --- from the hub --------------------------------------------------------------------------------------------
    def hear(self, live: Live) -> None:
        if self._heard_early is not None:
            self._heard_early.append(live)
        elif live.kind == "event":
            if live.candidate != self.ident:
                self.tell(orjson.loads(live.body))
        elif live.kind == "farewell":
            self._mendings.send(self._close(CLOSE_LOGGED_OUT))
        elif live.kind == "frame":
            self._frame(live)
        elif live.kind == "reset":
            self._reset(live)
        else:
            self._end(orjson.loads(live.body))

    def catch_up(self) -> None:
        if self._opened:  # what is said before a hello is in it
            self._missed()
            for candidate in self._places:
                self._mend(candidate)

    def _frame(self, live: Live) -> None:
        place = self._places.get(live.candidate)
        if place is None or place.behind or live.attempt < place.attempt:
            return
        if place.mending:
            place.missed = True
        elif live.seq == place.seq and (live.attempt == place.attempt or not place.seq):
            place.attempt = live.attempt
            self._feed(place, live.body.decode(), live.length)
        elif live.seq + live.length > place.seq or live.attempt > place.attempt:
            self._mend(live.candidate)

    def _reset(self, live: Live) -> None:
        place = self._places.get(live.candidate)
        if place is None or live.attempt <= place.attempt:
            return
        if place.mending:
            place.missed = True
        elif live.seq > place.seq:
            self._mend(live.candidate)
        else:
            self._put(live.body.decode())
            place.attempt, place.seq, place.acked = live.attempt, live.seq, min(place.acked, live.seq)

    def _end(self, payload: wire.Payload) -> None:
        """An end carries the whole text: nothing before it need be mended. Its error is told in her language."""
        if self._places.pop(payload["candidate"], None) is None:
            return
        if payload["error"]:
            with translation.override(self.language):
                payload["error"] = wire.fault(payload["error"]["code"])
        self.say(payload)
        self._go_on()

    def _feed(self, place: Place, body: str, length: int) -> None:
        if self._owed() >= WINDOW:
            place.behind = True
            if self._impatient is None:
                self._impatient = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)
            return
        place.seq += length
        self._put(body)

    def _owed(self) -> int:
        """Bytes sent and not acknowledged: a Han character takes three."""
        return 3 * sum(place.seq - place.acked for place in self._places.values())

    # --- mending -------------------------------------------------------------------------------------------------
    def _mend(self, candidate: str) -> None:
        place = self._places[candidate]
        place.missed = place.mending  # a mending under way may have looked before what is asked for now
        if not place.mending:
            place.mending = True
            self._mendings.send(self._mend_now(candidate, place))

    async def _mend_now(self, candidate: str, place: Place) -> None:
        """Send what the socket lacks, from the log or from the row, whichever knows more."""
        try:
            held = await self._holdings(candidate)
        finally:
            place.mending = False
        if held is None or self._places.get(candidate) is not place:
            return
        row, attempt, text = held
        if row.status in Candidate.TERMINAL:
            self._end(wire.end(row))
            return
        if attempt >= place.attempt:
            self._bring(candidate, place, attempt, text)
        if place.missed:
            self._mend(candidate)

    async def _holdings(self, candidate: str) -> tuple[Candidate, int, str] | None:
        """The log is read before the row: a text that ended between the two is then seen as ended."""
        try:
            replay = await self._log.replay(candidate)
        except (RedisError, OSError):
            replay = None
        row = await db.run(Candidate.objects.filter(pk=candidate).first)
        if row is None:
            return None
        if replay and replay.attempt >= row.attempt and len(replay.text) >= len(row.text):
            return row, replay.attempt, replay.text
        return row, row.attempt, row.text

    def _bring(self, candidate: str, place: Place, attempt: int, text: str) -> None:
        if attempt > place.attempt:  # its reset was missed: where it left the earlier text is not known
            self.say(wire.reset(candidate, attempt, 0))
            place.attempt, place.seq, place.acked = attempt, 0, 0
        if len(text) > place.seq:
            missing = text[place.seq :]
            self._feed(place, wire.dumps(wire.frame(candidate, attempt, place.seq, missing)), len(missing))
