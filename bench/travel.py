"""How long a frame travels from the worker's PUBLISH to the browser: a second subscriber hears it when the hub does."""

import asyncio
import time
from contextlib import suppress

from redis.asyncio import Redis

MOST_ROOMS = 100  # of all, evenly chosen: to hear each frame twice would take a core from the house


class Travel:
    """Listens to the rooms of some sessions, and pairs what it hears with what their tabs hear."""

    def __init__(self, redis_url: str, sessions: list[str]) -> None:
        self._redis = Redis.from_url(f"{redis_url}/1")
        self._rooms = [f"room:{each}" for each in sessions[:: -(-len(sessions) // MOST_ROOMS)]]
        self._published: dict[tuple[str, int], float] = {}
        self.seconds: list[float] = []

    async def __aenter__(self) -> "Travel":
        self._pubsub = self._redis.pubsub()
        await self._pubsub.subscribe(*self._rooms)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()

    async def _listen(self) -> None:
        async for said in self._pubsub.listen():
            if said["type"] == "message":
                kind, candidate, _, seq, _ = said["data"].partition(b"\n")[0].decode().split(" ")
                if kind == "frame":  # the head is writingapp.stream.pack's; Django stays out of the measuring process
                    self._published[candidate, int(seq)] = time.perf_counter()

    def arrived(self, candidate: str, seq: int) -> None:
        """A tab has a frame; one that was merged with an earlier one on the way counts by its beginning."""
        published = self._published.pop((candidate, seq), None)
        if published is not None:
            self.seconds.append(time.perf_counter() - published)
