"""The socket of a session page: authenticate, attach, forward. A wire; what the words mean is behind the doors."""

import asyncio
import logging
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone, translation

from writingapp import db, doors, farewell, faults, metrics, pace, wire
from writingapp.access import NotHere, session_for
from writingapp.feed import Feed
from writingapp.hub import hub
from writingapp.loop import Errands
from writingapp.models import User
from writingapp.refusals import Refusal
from writingapp.stream import PERSON, ROOM
from writingapp.visitor import stands, visitor

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

FLOOD, NO_LOGIN, NO_SESSION, TOO_MANY = 1008, 4401, 4404, 4429
MOST_SOCKETS = 32  # of one writer in this process; each tab has one
LOGIN_CHECKED_EVERY = 60.0  # seconds
GREETED_AGAIN_WITHIN = 2.0  # seconds after Redis is back
MOST_REFUSED = 500  # messages more than were let in; a page that is only too quick stays far below


farewell.tell_sockets()
_open: Counter[int] = Counter()  # sockets by writer


class SessionConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One tab of one session."""

    channel_layer_alias = None  # text travels by stream.py: a channel layer loses messages without a word

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """As Channels', which waits for each message in a task of its own, in case a channel layer has one too: a
        loop's turn or two more, and some KiB for every socket that only listens.
        """
        self.scope, self.base_send = scope, send
        with suppress(StopConsumer):
            while True:
                await self.dispatch(await receive())
                await asyncio.sleep(0)  # what one page floods us with shall not hold the others' texts

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels would first visit the one shared database thread; our database work has threads of its own."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.feed: Feed | None = None
        self.channels: list[str] = []
        self.errands = Errands()
        self.seat: int | None = None
        self.login: asyncio.TimerHandle | None = None
        self.session_id = str(self.scope["url_route"]["kwargs"]["session_id"])
        metrics.SOCKETS.inc()
        try:
            await self._enter()
        except BaseException:  # nobody calls `disconnect` after that, also not when the server gives up the wait
            await self._clean()
            raise

    async def _enter(self) -> None:
        await self.accept()
        user, self.language = await db.run(visitor, self.scope)
        if user is None:
            await self.close(NO_LOGIN)
            return
        if _open[user.pk] >= MOST_SOCKETS:
            await self.close(TOO_MANY)
            return
        self.seat = user.pk
        _open[user.pk] += 1
        try:
            await db.run(session_for, user, self.session_id)
        except NotHere:
            await self.close(NO_SESSION)
            return
        await self._begin(user)

    async def _begin(self, user: User) -> None:
        """Listen first, look second: what is said in between is heard early and sorted out by position."""
        self.user, self.refused, self.missed = user, 0, False
        self.turn = asyncio.Lock()  # a message is answered, or the page greeted anew
        self.feed = feed = Feed(uuid.uuid4().hex, self.language, hub().log, self.send, self.close, self._has_missed)
        self.errands.send(feed.pump())
        self.channels = [ROOM + self.session_id, PERSON + str(user.pk)]
        for channel in self.channels:
            await hub().join(channel, feed)
        await self._greet(feed)
        self._watch_login()

    async def _greet(self, feed: Feed) -> None:
        hello = await doors.greet(self.user, self.session_id)
        for told in hello["inspirations"]:
            feed.know(told)
        feed.say(hello)
        feed.open()

    async def disconnect(self, code: int) -> None:
        await self._clean()

    async def _clean(self) -> None:
        metrics.SOCKETS.dec()
        if self.seat is not None:
            _open.subtract([self.seat])
            if not _open[self.seat]:
                del _open[self.seat]
        if self.login is not None:
            self.login.cancel()
        for errand in self.errands:
            errand.cancel()
        if self.feed is not None:
            self.feed.shut()
            for channel in self.channels:
                await hub().leave(channel, self.feed)

    # --- beside the messages -------------------------------------------------------------------------------------
    def _watch_login(self) -> None:
        """A new password or a disabled account ends a socket too, a minute later at most, if it only listens also.

        A timer, not a task that sleeps: ten thousand sockets have one each.
        """
        self.login = asyncio.get_running_loop().call_later(
            _about(LOGIN_CHECKED_EVERY), lambda: self.errands.send(self._look_at_login())
        )

    async def _look_at_login(self) -> None:
        try:
            if not await db.run(stands, self.scope, self.user):
                user, self.language = await db.run(visitor, self.scope)
                if user is None or user.pk != self.user.pk:
                    await self.close(NO_LOGIN)
                    return
                self.user = user
        except Exception as fault:  # the database is away: that ends no login
            logger.warning("a login could not be looked at (%s)", type(fault).__name__)
        self._watch_login()

    def _has_missed(self) -> None:
        if not self.missed:
            self.missed = True
            self.errands.send(self._greet_again())

    async def _greet_again(self) -> None:
        """Redis was away: nobody repeats what other tabs said meanwhile. A hello holds it, and a page may hear many.

        Nothing of her own is answered meanwhile: an answer must not overtake a hello that was looked up before it.
        """
        while self.feed is not None and self.missed:
            await asyncio.sleep(_about(GREETED_AGAIN_WITHIN))
            async with self.turn:
                self.missed = False
                self.feed.hold()
                try:
                    await self._greet(self.feed)
                except NotHere:
                    return
                except Exception as fault:
                    logger.warning("a page could not be greeted again (%s)", type(fault).__name__)
                    self.missed = True
                finally:
                    self.feed.open()

    # --- messages ------------------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        feed, said = self.feed, text_data or ""  # bytes are no message of ours
        if feed is None or self.refused >= MOST_REFUSED:
            return
        with translation.override(self.language):
            try:
                message = self._let_in(said)
            except Refusal as no:
                return await self._refuse(feed, wire.error(no.code, no.ref or wire.reference_in(said)))
            self.refused = max(0, self.refused - 1)  # not to 0: the pace lets one in now and then whatever the flood
            async with self.turn:
                await self._answer_or_say_why(feed, message)

    def _let_in(self, said: str) -> wire.Message:
        """The pace comes first: what cannot be read costs as much as what can. Raises Refusal."""
        pace.of(self.user.pk).step(len(said))
        return wire.parse(said)

    async def _refuse(self, feed: Feed, error: wire.Payload) -> None:
        self.refused += 1
        if self.refused < MOST_REFUSED:
            feed.say(error)
        else:
            await self.close(FLOOD)

    async def _answer_or_say_why(self, feed: Feed, message: wire.Message) -> None:
        ref = wire.reference(message)
        try:
            await self._answer(feed, message)
        except Refusal as no:
            feed.say(wire.error(no.code, no.ref or ref))
        except NotHere:
            feed.say(wire.error("not_found", ref))
        except Exception as fault:
            logger.error("a message could not be answered\n%s", faults.told(fault))
            feed.say(wire.error("unavailable", ref))

    async def _answer(self, feed: Feed, message: wire.Message) -> None:
        place = (self.user, self.session_id)
        match message:
            case wire.Ack():
                feed.acknowledge(str(message.candidate), message.seq)
            case wire.Ping():
                feed.say(wire.pong(message.t, timezone.now()))
            case wire.Save():
                feed.say(await doors.save(*place, message, feed.ident))
            case wire.Inspire():
                await doors.inspire(*place, message, feed.ident, feed.tell)
            case wire.Swap():
                await doors.swap(*place, message, feed.ident, feed.tell)
            case wire.Hint():
                await doors.hint(*place, message)
            case wire.Attach():
                await doors.check_candidate(*place, message.candidate)
                feed.attach(str(message.candidate), message.attempt, message.seq)
            case wire.Stop():
                await doors.stop(*place, message.inspiration)
            case wire.Take():
                feed.say(await doors.take(*place, message.candidate, feed.ident))
            case wire.Clock():
                feed.say(await doors.turn(*place, message.type, feed.ident))
            case wire.Extend():
                feed.say(await doors.extend(*place, message.seconds, feed.ident))


def _about(seconds: float) -> float:
    """At most so long: sockets that came together part ways, or the database would hear them all at once."""
    return seconds * random.uniform(0.5, 1)  # noqa: S311
