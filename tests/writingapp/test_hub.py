"""One subscription hears every session: all that is said, in order, however it comes through the wire."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.processes import RedisServer
from writingapp import hub as hubs
from writingapp import stream
from writingapp.hub import Hub
from writingapp.stream import ENGINE, Live

MANY = 300


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[Live] = []
        self.begun = 0
        self.news = asyncio.Event()

    def hear(self, live: Live) -> None:
        self.heard.append(live)
        self.news.set()

    def catch_up(self) -> None:
        self.begun += 1
        self.news.set()

    async def until_heard(self, many: int) -> None:
        while len(self.heard) < many:
            self.news.clear()
            await self.news.wait()

    async def until_begun(self, many: int) -> None:
        while self.begun < many:
            self.news.clear()
            await self.news.wait()


@pytest.fixture
async def redis(own_redis: str) -> AsyncIterator[Redis]:
    client = stream.connect()
    yield client
    await client.aclose()


@pytest.fixture
async def hub(own_redis: str) -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    await made.close()


def live(number: int) -> Live:
    return Live("frame", "candidate", 1, number, 1, b"x" * (number % 200))


async def say(redis: Redis, channel: str, numbers: range) -> None:
    """All in one round trip."""
    pipeline = redis.pipeline(transaction=False)
    for number in numbers:
        pipeline.publish(channel, stream.pack(live(number)))
    await pipeline.execute()


async def test_what_comes_together_is_heard_in_order(hub: Hub, redis: Redis) -> None:
    ear = Ear()
    await hub.join("room:a", ear)
    await say(redis, "room:a", range(MANY))
    await ear.until_heard(MANY)
    assert ear.heard == [live(number) for number in range(MANY)]


async def test_each_hears_its_own_room_and_all_hear_of_the_engine(hub: Hub, redis: Redis) -> None:
    here, there = Ear(), Ear()
    await hub.join("room:a", here)
    await hub.join("room:b", there)
    await say(redis, "room:a", range(2))
    await say(redis, "room:b", range(2, 3))
    await say(redis, ENGINE, range(9, 10))
    await here.until_heard(3)
    await there.until_heard(2)
    assert [each.seq for each in here.heard] == [0, 1, 9]
    assert [each.seq for each in there.heard] == [2, 9]


async def test_one_who_comes_back_hears_again(hub: Hub, redis: Redis) -> None:
    """Coming and going while others are spoken to: the subscription's own answers come between the messages."""
    stays, comes = Ear(), Ear()
    await hub.join("room:a", stays)
    for turn in range(5):
        talking = asyncio.create_task(say(redis, "room:a", range(turn * 20, turn * 20 + 20)))
        await hub.join("room:b", comes)
        await say(redis, "room:b", range(turn, turn + 1))
        await comes.until_heard(turn + 1)
        await hub.leave("room:b", comes)
        await talking
    await stays.until_heard(100)
    assert [each.seq for each in stays.heard] == list(range(100))
    assert [each.seq for each in comes.heard] == list(range(5))


async def test_health_checks_between_messages_are_not_messages(hub: Hub, redis: Redis) -> None:
    """A check before every read: its answer and a message come in either order, alone and together."""
    ear = Ear()
    await hub.join("room:a", ear)
    assert hub._pubsub is not None
    connection: Any = hub._pubsub.connection
    connection.health_check_interval = 1e-6
    for number in range(MANY):
        await redis.publish("room:a", stream.pack(live(number)))
    await ear.until_heard(MANY)
    assert (ear.heard, ear.begun) == ([live(number) for number in range(MANY)], 1)


async def test_a_message_may_come_in_the_smallest_pieces(
    own_redis: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a wire of seven bytes a turn, with a limit that ends many reads in the middle of a message."""
    monkeypatch.setattr(hubs, "CHECK_EVERY", 0.002)
    async with await asyncio.start_server(lambda *ends: crumble(own_redis, *ends), "127.0.0.1", 0) as wire:
        port = wire.sockets[0].getsockname()[1]
        monkeypatch.setattr(stream, "listener", partial(stream.listener, f"redis://127.0.0.1:{port}/1"))
        hub, ear = Hub(), Ear()
        await hub.join("room:a", ear)
        await say(redis, "room:a", range(MANY))
        await ear.until_heard(MANY)
        assert (ear.heard, ear.begun) == ([live(number) for number in range(MANY)], 1)
        await hub.close()


async def crumble(url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Between a client and Redis: what Redis says passes in crumbs."""
    host, _, port = url.removeprefix("redis://").partition(":")
    from_redis, to_redis = await asyncio.open_connection(host, int(port))

    async def ask() -> None:
        while said := await reader.read(4096):
            to_redis.write(said)

    asking = asyncio.create_task(ask())
    while crumb := await from_redis.read(7):
        writer.write(crumb)
        await asyncio.sleep(0)
    asking.cancel()


async def test_after_a_break_everyone_is_told_to_catch_up(hub: Hub, the_redis: RedisServer) -> None:
    ear = Ear()
    await hub.join("room:a", ear)
    assert ear.begun == 1
    the_redis.kill()
    the_redis.start()
    the_redis.wait()
    await ear.until_begun(2)
    client = stream.connect()
    await say(client, "room:a", range(3))
    await ear.until_heard(3)
    await client.aclose()
