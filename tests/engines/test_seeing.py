"""A photograph from upload to poem, with a model that really reads pictures behind `transformers serve`."""

import asyncio
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.engines import engine, hub_cache
from inference.engines.base import Node, Plan
from inference.request import Ask, Kind, Request, messages, sampling
from inference.vision import seeing
from inference.vision.opening import Gate
from tests.client import Writer, tab
from tests.engines.servers import Server
from tests.engines.tiny_vlm import Lesson, make
from tests.house import FakeEngine, House, house
from tests.processes import free_port
from tests.writingapp.sending import photo_notices, send

pytestmark = [pytest.mark.engine, pytest.mark.heavy, pytest.mark.timeout(600)]
SEEN = {
    "red": (["红叶", "晨光", "深秋", "暖", "红"], "红叶落杯中\n晨光慢慢照小楼\n有人正写诗"),
    "blue": (["远山", "冷光", "初冬", "静", "蓝"], "蓝湖一片静\n远山淡淡入窗来\n小舟不见人"),
}


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (200, 160), colour).save(out, "JPEG", exif=Image.Exif())
    return out.getvalue()


def answer(colour: str) -> str:
    first, light, season, mood, tint = SEEN[colour][0]
    return f'{{"imagery":["{first}"],"light":"{light}","season":"{season}","mood":"{mood}","colours":["{tint}"]}}'


def poem_of(colour: str, jpeg: bytes) -> Request:
    ask = Ask(Kind.POEM, "haiku", "", "湖", "", "zh", tuple(SEEN[colour][0]))
    return seeing.beside(Request(messages(ask), sampling(ask, 0, 0)), seeing.data_url(jpeg))


def lessons() -> list[Lesson]:
    taught = []
    for colour, (_, poem) in SEEN.items():
        jpeg = asyncio.run(Gate().open(picture(colour))).jpeg
        taught += [Lesson(seeing.look(jpeg, "zh"), jpeg, answer(colour)), Lesson(poem_of(colour, jpeg), jpeg, poem)]
    return taught


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("tiny-vlm")
    make(folder / "model", lessons())
    port = free_port()
    plan = Plan(Path(sys.executable), str(folder / "model"), port, threads=1, capacity=1)
    node = Node("eyes", "transformers", f"http://127.0.0.1:{port}", model=hub_cache.BASE, capacity=1, sees=True)
    server = Server(node, engine("transformers").launch(plan), folder / "log")
    try:
        server.wait()
        yield node
    finally:
        server.stop()


@pytest.fixture(scope="module")
def the_house(node: Node) -> Iterator[House]:
    said = {"ENGINE_KIND": node.kind, "ENGINE_URL": node.url, "MODEL": node.model, "ENGINE_SEES": "yes"}
    with house(FakeEngine(), **said, ENGINE_CAPACITY="1") as built:
        yield built


@pytest.mark.parametrize("colour", ["red", "blue"])
async def test_a_photograph_is_seen_and_becomes_a_poem(the_house: House, colour: str) -> None:
    [(cookie, session)] = await asyncio.to_thread(the_house.sit_down, f"in-{colour}")
    writer, path = Writer(the_house, cookie), f"/api/v1/sessions/{session}/photos"
    async with tab(writer, session) as page:
        status, _, body = await asyncio.to_thread(send, writer, "POST", path, picture(colour))
        assert status == 200, body
        seen: dict[str, Any] = await photo_notices(page, "vlm")
        assert seen["chips"] == SEEN[colour][0]
        asked = await page.inspire(form="haiku", wish="", photo_id=seen["id"], chips=seen["chips"])
        shown = await page.ended(asked["candidates"][0]["id"])
        assert (shown.status, shown.text) == ("done", SEEN[colour][1]), the_house.log("worker")[-2000:]
    assert "base64" not in the_house.log("worker")
