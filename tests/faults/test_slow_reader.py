"""Readers who do not read: nobody else waits for them, nothing is lost for them, and they are not kept for ever."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.verse.forms import conforms
from tests.client import Tab, Writer, socket, tab
from tests.house import FakeEngine, House, house
from tests.writingapp.test_metrics import fetched

pytestmark = pytest.mark.faults

LONG = "晨" * 400_000  # a manuscript that every conflict answers with: 1.2 MB

TOKEN = "for this test"


@pytest.fixture(scope="module")
def built() -> Iterator[House]:
    with house(FakeEngine(rate=30), METRICS_TOKEN=TOKEN) as standing:
        yield standing


def seats(built: House, *names: str) -> list[tuple[Writer, str]]:
    return [(Writer(built, cookie), session) for cookie, session in built.sit_down(*names)]


def sockets(built: House) -> float:
    """How many the web process holds open."""
    return float(fetched(f"{built.url}/metrics", TOKEN).partition("\nbailu_sockets ")[2].split()[0])


async def read_all(one: ClientConnection) -> None:
    while True:
        await one.recv()


async def poem(one: Tab) -> tuple[str, str]:
    """A whole poem; answers its candidate and its text."""
    asked = await one.inspire(form="wujue", wish="清晨的湖")
    shown = await one.ended(asked["candidates"][0]["id"])
    assert (shown.status, conforms("wujue", shown.text)) == ("done", True)
    return asked["candidates"][0]["id"], shown.text


async def test_one_who_stops_reading_keeps_nobody_waiting_and_catches_up(built: House) -> None:
    slow, other = seats(built, "slow", "other")
    async with tab(*slow) as one, tab(*other) as two:
        asked = await one.inspire(form="wujue", wish="清晨的湖")
        candidate = asked["candidates"][0]["id"]
        await one.until(lambda page: len(page.shown[candidate].text) > 2)
        one.socket.transport.pause_reading()
        async with asyncio.timeout(30):
            others = [await poem(two), await poem(two)]
        one.socket.transport.resume_reading()
        shown = await one.ended(candidate)
    assert built.row(candidate) == ("done", shown.text)
    assert [built.row(each) for each, _ in others] == [("done", text) for _, text in others]


async def test_one_who_asks_for_much_and_reads_nothing_is_closed_and_finds_all_when_he_comes_back(built: House) -> None:
    slow, other = seats(built, "flooder", "patient")
    async with tab(*slow) as first:
        await first.send("save", save_id=str(uuid.uuid4()), base_rev=0, text=LONG)
        await first.expect("saved")
    async with tab(*other) as two, socket(*slow) as one:
        await one.recv()
        one.transport.pause_reading()
        async with asyncio.timeout(60):
            while await asyncio.to_thread(sockets, built) > 1:
                with contextlib.suppress(
                    ConnectionClosed, OSError
                ):  # when it sees that it was closed, the system decides
                    stale = {"type": "save", "save_id": str(uuid.uuid4()), "base_rev": 0, "text": "旧"}
                    await one.send(json.dumps(stale))
        candidate, text = await poem(two)
        async with asyncio.timeout(30):
            one.transport.resume_reading()
            with pytest.raises(ConnectionClosed):
                await read_all(one)
    assert one.close_code in (1013, 1006)  # 1006: it read nothing for so long that the goodbye was thrown away, too
    assert built.row(candidate) == ("done", text)
    async with tab(*slow) as again:
        assert again.page.heard[0]["manuscript"]["text"] == built.rows(slow[1])["text"] == LONG
