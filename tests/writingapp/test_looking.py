"""Whatever a look at a photograph comes to, its chips stand, and no node is blamed for another's eyes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from django.utils import timezone

from inference.engines.base import Node
from inference.nodes import Nodes
from inference.vision.opening import Opened
from tests.processes_inference import fake_node
from writingapp import db, looking
from writingapp.models import Photo, User
from writingapp.services import photos, sessions

pytestmark = pytest.mark.django_db(transaction=True)
FACTS: dict[str, Any] = {"brightness": 0.8, "contrast": 0.1, "saturation": 0.1, "warmth": 0.0, "palette": []}


class Told:
    """The log, as far as a look needs it."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def announce(self, session: str, payload: dict[str, Any]) -> None:
        self.said.append(json.loads(json.dumps(payload)) | {"session": session})


class Room(Nodes):
    """The engine room, as far as a look needs it."""

    def __init__(self, http: aiohttp.ClientSession, *nodes: Node) -> None:
        super().__init__(nodes)
        self.http = http


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def photo(owner: User, settings: Any, tmp_path: Path) -> Photo:
    settings.PHOTOS = tmp_path / "photos"
    session = sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=timezone.now())
    return photos.receive(session=session, opened=Opened(b"\xff\xd8pixels", 9, 9, FACTS), language="zh-hans")


async def looked(room: Any, photo: Photo) -> tuple[Photo, list[dict[str, Any]]]:
    told: Any = Told()
    await looking.look(room, told, str(photo.pk), "zh-hans")
    return await db.run(Photo.objects.get, pk=photo.pk), told.said


async def test_a_look_changes_the_chips_and_says_so(http: aiohttp.ClientSession, photo: Photo) -> None:
    with fake_node(rate=0) as node:
        seen, said = await looked(Room(http, _with_eyes(node)), photo)
    assert (seen.source, seen.chips[0]) == ("vlm", "远山")
    assert [(each["kind"], each["photo"]["chips"]) for each in said] == [("photo", seen.chips)]


async def test_with_no_eyes_left_the_chips_stand_and_the_blind_node_is_not_blamed(
    http: aiohttp.ClientSession, photo: Photo
) -> None:
    room = Room(http, Node("blind", "fake", "http://127.0.0.1:9"))
    seen, said = await looked(room, photo)
    assert (seen.source, seen.chips, said) == ("measured", photo.chips, [])
    [seat] = room.seats
    assert seat.able


@pytest.mark.parametrize("way", ["die", "refuse", "garbage", "cut"])
async def test_an_engine_that_fails_leaves_the_chips_as_they_were(
    http: aiohttp.ClientSession, photo: Photo, way: str
) -> None:
    with fake_node(rate=0, misbehave=way) as node:
        seen, said = await looked(Room(http, _with_eyes(node)), photo)
    assert (seen.source, seen.chips, said) == ("measured", photo.chips, [])


def _with_eyes(node: Node) -> Node:
    return Node("eyes", node.kind, node.url, sees=True)
