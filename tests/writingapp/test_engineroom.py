"""What a writer is about to ask is read where the ask will go, and the ask waits for nothing else."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from django.utils import timezone

from inference.engines import ENGINES
from inference.engines.base import Health, Node
from inference.engines.fake import Fake
from inference.nodes import Need, Nodes
from inference.request import Request
from writingapp import db, doors, engineroom, hub, stream, wire
from writingapp.engineroom import EngineRoom
from writingapp.models import User
from writingapp.services import sessions

KIND = "reader"
TWO = [Node(name, KIND, "http://127.0.0.1:9", capacity=2, adapters=frozenset({"dew"})) for name in ("one", "two")]
WORDS = [{"role": "user", "content": "湖"}]


class Reader(Fake):
    """Reads ahead until it is told that it has read enough, and says meanwhile that it is at work."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.reading: set[str] = set()
        self.enough = asyncio.Event()

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        self.read.append(node.name)
        self.reading.add(node.name)
        try:
            await self.enough.wait()
        finally:
            self.reading.discard(node.name)

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        return Health("ready", None, int(node.name in self.reading), 0)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    made = Reader()
    monkeypatch.setitem(ENGINES, KIND, made)
    return made


@pytest.fixture
async def room(reader: Reader) -> AsyncIterator[EngineRoom]:
    made = EngineRoom(stream.Log(stream.connect()))
    made.nodes, made.serving = Nodes(TWO), "dew"
    yield made
    made._reading.cancel()
    await made.close()


async def home(room: EngineRoom, session: str) -> str:
    async with room.nodes.lease(Need(session, room.serving)) as node:
        return node.name


def hinted(session: str) -> dict[str, Any]:
    return {"messages": WORDS, "sampling": {}, "session": session}


async def test_a_hint_is_read_where_the_ask_goes(room: EngineRoom, reader: Reader) -> None:
    writers = [str(uuid.uuid4()) for _ in range(40)]
    for writer in writers:
        room.read_ahead(hinted(writer))
        await asyncio.sleep(0)
        await room.nodes.probe(room.http)  # which sees it at work
        assert reader.read[-1] == await home(room, writer)
    assert set(reader.read) == {"one", "two"}


async def test_a_hint_says_of_which_session_it_is(owner: User) -> None:
    session = await db.run(lambda: sessions.start(user=owner, minutes=None, theme="", goal=None, now=timezone.now()))
    async with stream.listener().pubsub() as calls:
        await calls.subscribe(stream.AHEAD)
        await calls.get_message(timeout=5)
        await doors.hint(owner, str(session.pk), wire.Hint(kind="poem", form="free", wish="湖"))
        heard = await calls.get_message(timeout=5)
    await hub.hub().close()
    assert orjson.loads(heard["data"])["session"] == str(session.pk)


async def test_an_ask_waits_for_what_is_read_at_its_own_node(room: EngineRoom, reader: Reader) -> None:
    room.read_ahead(hinted("her"))
    waiting = asyncio.create_task(room.let_finish_reading(Need("her", "dew"), WORDS))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    reader.enough.set()
    await waiting
    assert not room._reading.cancelled()


@pytest.mark.parametrize("why", ["another node", "another adapter", "other words"])
async def test_an_ask_does_not_wait_for_what_it_has_nothing_of(
    room: EngineRoom, reader: Reader, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(engineroom, "READING", 600.0)
    room.read_ahead(hinted("her"))
    await asyncio.sleep(0)
    need, words = Need("her", "dew"), WORDS
    if why == "another node":
        need = Need("her", "dew", avoid=frozenset(reader.reading))
    elif why == "another adapter":
        need = Need("her", "")
    else:
        words = [{"role": "user", "content": "山"}]
    async with asyncio.timeout(5):
        await room.let_finish_reading(need, words)
        await asyncio.wait({room._reading})
    assert room._reading.cancelled()
