"""The web process's one subscription: it hears every session that has a socket here, and hands frames to feeds."""

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from writingapp import stream
from writingapp.stream import Live

logger = logging.getLogger(__name__)

RETRY_AFTER = 0.3  # seconds
CONFIRMED_WITHIN = 2.0  # seconds
CHECK_EVERY = 5.0  # seconds


class Listener(Protocol):
    """A socket's side."""

    def hear(self, live: Live) -> None:
        """Take a message; never waits."""

    def catch_up(self) -> None:
        """The subscription begins, perhaps again: whatever is unfinished may lack something."""


class Hub:
    """Use it on one event loop; `hub()` gives the loop's own."""

    def __init__(self) -> None:
        self.log = stream.Log(stream.connect())
        self._redis = stream.listener()
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: PubSub | None = None
        self._listening: asyncio.Task[None] | None = None

    async def join(self, channel: str, listener: Listener) -> None:
        """From when this returns on, nothing said on the channel is missed, unless Redis is away."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        self._listeners[channel].add(listener)
        if channel not in self._confirmed:
            self._confirmed[channel] = asyncio.Event()
            await self._subscribe(channel)
        with suppress(TimeoutError):  # Redis is away: the feed catches up once it is back
            await asyncio.wait_for(self._confirmed[channel].wait(), CONFIRMED_WITHIN)

    async def leave(self, channel: str, listener: Listener) -> None:
        self._listeners[channel].discard(listener)
        if self._listeners[channel]:
            return
        del self._listeners[channel]
        self._confirmed.pop(channel, None)
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._redis.aclose()
        await self.log.redis.aclose()

    async def _subscribe(self, *channels: str) -> None:
        if self._pubsub is not None:
            with suppress(RedisError, OSError):  # the listening loop sees the same fault and subscribes anew
                await self._pubsub.subscribe(*channels)

    async def _listen(self) -> None:
        """Listen for ever; after every break subscribe anew and let each feed look for what it missed."""
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as fault:
                logger.warning("subscription lost (%s)", type(fault).__name__)
            except Exception:
                logger.exception("subscription broke")
            self._pubsub = None
            await asyncio.sleep(RETRY_AFTER)

    async def _listen_once(self) -> None:
        async with self._redis.pubsub(push_handler_func=_unlogged) as pubsub:
            first = {stream.ENGINE, *self._listeners}
            await pubsub.subscribe(*first)
            self._pubsub = pubsub
            if joined_meanwhile := set(self._listeners) - first:
                await pubsub.subscribe(*joined_meanwhile)
            while True:  # each turn also sends a health check when the connection was silent for long
                said = await pubsub.get_message(timeout=CHECK_EVERY)
                if said is not None:
                    self._take(said)
                    await self._take_company(pubsub)

    async def _take_company(self, pubsub: PubSub) -> None:
        """Take what came along with it; `get_message` puts a time limit, a retry and a meter around every message."""
        connection: Any = pubsub.connection
        for heard in connection._parser.at_hand():
            if heard[0] == b"message":
                self._hear(heard[1], heard[2])
            else:
                self._take(await pubsub.handle_message(heard))  # type: ignore[no-untyped-call]

    def _take(self, said: dict[str, Any]) -> None:
        if said["type"] == "message":
            self._hear(said["channel"], said["data"])
        elif said["type"] == "subscribe":
            channel = said["channel"].decode()
            if channel in self._confirmed:
                self._confirmed[channel].set()
                for listener in self._listening_to(channel):
                    listener.catch_up()

    def _hear(self, channel: bytes, data: bytes) -> None:
        live = stream.unpack(data)
        for listener in self._listening_to(channel.decode()):
            listener.hear(live)

    def _listening_to(self, channel: str) -> set[Listener]:
        return self._everyone() if channel == stream.ENGINE else self._listeners.get(channel, set())

    def _everyone(self) -> set[Listener]:
        return {listener for listeners in self._listeners.values() for listener in listeners}


async def _unlogged(heard: Any) -> Any:
    """Instead of redis-py's own, which makes a line for its log of every message, a writer's text in it."""
    return heard


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running loop: one a web process."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
