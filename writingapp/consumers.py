"""The socket of a session page: authenticate, attach, forward. A wire; what the words mean is behind the doors."""

import asyncio
import logging
import time
import uuid
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone, translation

from writingapp import db, doors, farewell, metrics, wire
from writingapp.access import NotHere, session_for
from writingapp.feed import Feed
from writingapp.hub import hub
from writingapp.models import User
from writingapp.pace import Pace
from writingapp.refusals import Refusal
from writingapp.stream import PERSON, ROOM
from writingapp.visitor import visitor

logger = logging.getLogger(__name__)

NO_LOGIN, NO_SESSION = 4401, 4404
LOGIN_CHECKED_EVERY = 60.0  # seconds


farewell.tell_sockets()


class SessionConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One tab of one session."""

    channel_layer_alias = None  # text travels by stream.py: a channel layer loses messages without a word

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels would first visit the one shared database thread; our database work has threads of its own."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.feed: Feed | None = None
        self.pumping: asyncio.Task[None] | None = None
        self.session_id = str(self.scope["url_route"]["kwargs"]["session_id"])
        await self.accept()
        metrics.SOCKETS.inc()
        user, self.language = await db.run(visitor, self.scope)
        if user is None:
            await self.close(NO_LOGIN)
            return
        try:
            await db.run(session_for, user, self.session_id)
        except NotHere:
            await self.close(NO_SESSION)
            return
        await self._begin(user)

    async def _begin(self, user: User) -> None:
        """Listen first, look second: what is said in between is heard early and sorted out by position."""
        self.user, self.checked_at, self.pace = user, time.monotonic(), Pace()
        self.feed = feed = Feed(uuid.uuid4().hex, self.language, hub().log, self.send, self.close)
        self.pumping = asyncio.create_task(feed.pump())
        self.channels = [ROOM + self.session_id, PERSON + str(user.pk)]
        for channel in self.channels:
            await hub().join(channel, feed)
        hello = await doors.greet(user, self.session_id)
        for told in hello["inspirations"]:
            feed.know(told)
        feed.say(hello)
        feed.open()

    async def disconnect(self, code: int) -> None:
        metrics.SOCKETS.dec()
        if self.feed is not None:
            for channel in self.channels:
                await hub().leave(channel, self.feed)
            self.feed.shut()
        if self.pumping is not None:
            self.pumping.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        feed, ref = self.feed, ""
        if feed is None:
            return
        with translation.override(self.language):
            try:
                message = wire.parse(text_data if text_data is not None else b"")
                ref = wire.reference(message)  # known first, so that a save that comes too fast is tried again
                self.pace.step(len(text_data or ""))
                if await self._still_welcome():
                    await self._answer(feed, message)
            except Refusal as no:
                feed.say(wire.error(no.code, no.ref or ref))
            except NotHere:
                feed.say(wire.error("not_found", ref))
            except Exception:
                logger.exception("a message could not be answered")
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

    async def _still_welcome(self) -> bool:
        """A logout, a new password or a disabled account ends a socket too, a minute later at most."""
        if time.monotonic() - self.checked_at < LOGIN_CHECKED_EVERY:
            return True
        user, self.language = await db.run(visitor, self.scope)
        if user is None or user.pk != self.user.pk:
            await self.close(NO_LOGIN)
            return False
        self.checked_at = time.monotonic()
        return True
