"""A socket shows what the rows hold, however frames were lost, doubled, merged or late on their way to it."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator

import orjson
import pytest
from django.utils import timezone

from tests.writingapp.page import Page
from writingapp import db, stream, wire
from writingapp import feed as feeds
from writingapp.feed import WINDOW, Feed
from writingapp.models import Candidate, User
from writingapp.services import sessions
from writingapp.stream import Frame, Live, Log

TEXT = "空山新雨后，天气晚来秋。明月松间照，清泉石上流。竹喧归浣女，莲动下渔舟。"


@pytest.fixture
def row(owner: User) -> Candidate:
    session = sessions.start(user=owner, minutes=None, theme="", goal=None, now=timezone.now())
    inspiration = session.inspirations.create(key=uuid.uuid4(), kind="poem", language="zh", messages=[])
    return Candidate.objects.create(
        inspiration=inspiration, position=0, sampling={}, queued_at=timezone.now(), status="running", attempt=1
    )


@pytest.fixture
async def log(own_redis: str) -> AsyncIterator[Log]:
    log = Log(stream.connect())
    yield log
    await log.redis.aclose()


class Socket:
    """A feed whose messages a page hears."""

    def __init__(self, log: Log, row: Candidate) -> None:
        self.page = Page()
        self.closed: list[int] = []
        self.was_closed = asyncio.Event()
        self.hears = asyncio.Event()
        self.hears.set()
        self.feed = Feed("me", "en", log, self._send, self._close)
        told = {"candidates": [wire.candidate(row)]}
        self.feed.know(told)
        self.page.hear({"type": "queued", "inspiration": told})
        self.feed.open()
        self.pumping = asyncio.create_task(self.feed.pump())

    async def _send(self, text: str) -> None:
        await self.hears.wait()
        self.page.hear(orjson.loads(text))

    async def _close(self, code: int) -> None:
        self.closed.append(code)
        self.was_closed.set()

    async def settle(self) -> None:
        """Until nothing is queued and nothing is being mended."""
        while self.feed.busy():  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.001)


def frame(row: Candidate, seq: int, text: str, attempt: int = 1) -> Live:
    told = wire.frame(str(row.pk), attempt, seq, text)
    return Live("frame", str(row.pk), attempt, seq, len(text), orjson.dumps(told))


def pieces(text: str, chance: random.Random) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(text):
        length = chance.randint(1, 4)
        yield at, text[at : at + length]
        at += length


async def end(row: Candidate, text: str) -> Live:
    def commit() -> Candidate:
        Candidate.objects.filter(pk=row.pk).update(status="done", text=text)
        return Candidate.objects.get(pk=row.pk)

    done = await db.run(commit)
    return Live("end", str(row.pk), done.attempt, len(text), 0, orjson.dumps(wire.end(done)))


@pytest.mark.parametrize("seed", range(40))
async def test_it_shows_the_text_whatever_happens_to_the_frames(log: Log, row: Candidate, seed: int) -> None:
    chance = random.Random(seed)
    socket = Socket(log, row)
    for seq, text in pieces(TEXT, chance):
        await log.append([Frame("s", str(row.pk), 1, seq, text)])
        live = frame(row, seq, text)
        for heard in chance.choice([[], [live], [live], [live, live]]):
            socket.feed.hear(heard)
        if chance.random() < 0.3:
            await socket.settle()
        if chance.random() < 0.1:
            socket.feed.catch_up()
    last = await end(row, TEXT)
    if chance.random() < 0.5:
        socket.feed.hear(last)
    else:
        socket.feed.catch_up()
    await socket.settle()
    shown = socket.page.shown[str(row.pk)]
    assert (shown.text, shown.status, socket.page.gaps) == (TEXT, "done", set())


async def test_a_frame_that_fits_goes_out_as_it_came(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    socket.feed.hear(frame(row, 0, "空山"))
    await socket.settle()
    assert socket.page.heard[-1] == wire.frame(str(row.pk), 1, 0, "空山")


async def test_the_first_frame_of_a_queued_candidate_goes_out_at_once(log: Log, row: Candidate) -> None:
    row.attempt = 0  # as it was told when it was queued
    socket = Socket(log, row)
    socket.feed.hear(frame(row, 0, "空山"))
    assert not socket.feed.mending()
    await socket.settle()
    assert socket.page.heard[-1] == wire.frame(str(row.pk), 1, 0, "空山")


async def test_a_later_attempt_goes_on_where_the_socket_stands(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    await log.append([Frame("s", str(row.pk), 1, 0, "空山新雨")])
    socket.feed.hear(frame(row, 0, "空山新雨"))
    await log.begin("s", str(row.pk), 2, "空山")
    await log.append([Frame("s", str(row.pk), 2, 2, "无人")])
    socket.feed.hear(frame(row, 2, "无人", attempt=2))
    await socket.settle()
    shown = socket.page.shown[str(row.pk)]
    assert (shown.attempt, shown.text) == (2, "空山无人")


async def test_a_late_frame_of_an_earlier_attempt_is_not_shown(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    await log.begin("s", str(row.pk), 2, "空山")
    socket.feed.catch_up()
    await socket.settle()
    socket.feed.hear(frame(row, 2, "旧字"))
    await socket.settle()
    assert socket.page.shown[str(row.pk)].text == "空山"


async def test_it_mends_from_the_row_when_the_log_is_gone(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    await db.run(Candidate.objects.filter(pk=row.pk).update, text="空山新雨")
    socket.feed.hear(frame(row, 4, "后"))
    await socket.settle()
    assert socket.page.shown[str(row.pk)].text == "空山新雨"


async def test_a_socket_that_owes_too_much_is_fed_again_once_it_acknowledges(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    long = "水" * 4000
    for n in range(10):
        await log.append([Frame("s", str(row.pk), 1, n * 4000, long)])
        socket.feed.hear(frame(row, n * 4000, long))
    await socket.settle()
    shown = socket.page.shown[str(row.pk)]
    assert WINDOW <= 3 * len(shown.text) < WINDOW + 3 * 4000 + 1
    while len(shown.text) < 40_000:
        held = len(shown.text)
        socket.feed.acknowledge(str(row.pk), held)
        await socket.settle()
        assert len(shown.text) > held
    assert shown.text == long * 10


async def fed_until_it_owes(log: Log, row: Candidate, socket: Socket) -> None:
    for n in range(10):
        await log.append([Frame("s", str(row.pk), 1, n * 4000, "水" * 4000)])
        socket.feed.hear(frame(row, n * 4000, "水" * 4000))
    await socket.settle()


async def test_a_socket_that_owes_too_much_for_long_is_closed(
    log: Log, row: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "PATIENCE", 0.01)
    socket = Socket(log, row)
    await fed_until_it_owes(log, row, socket)  # and nothing more is heard of it
    async with asyncio.timeout(5):
        await socket.was_closed.wait()
    assert socket.closed == [1013]


async def test_patience_begins_anew_with_each_acknowledgement_and_ends_with_the_text(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    await fed_until_it_owes(log, row, socket)
    first = socket.feed._impatient
    assert first is not None
    socket.feed.acknowledge(str(row.pk), len(socket.page.shown[str(row.pk)].text))
    await socket.settle()
    assert first.cancelled()
    assert socket.feed._impatient is not first
    socket.feed.hear(await end(row, "水" * 40_000))
    assert socket.feed._impatient is None
    assert socket.closed == []


async def test_a_socket_that_takes_nothing_is_not_kept_for_without_end(
    log: Log, row: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_QUEUED", 50_000)
    socket = Socket(log, row)
    socket.hears = asyncio.Event()
    for number in range(30):
        socket.feed.say({"type": "conflict", "save_id": str(number), "text": "晨" * 4000})
    async with asyncio.timeout(5):
        await socket.was_closed.wait()
    assert socket.closed == [1013]
    assert not socket.feed._queue


async def test_one_long_message_is_not_too_much(log: Log, row: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_QUEUED", 50_000)
    socket = Socket(log, row)
    for number in range(3):
        socket.feed.say({"type": "conflict", "save_id": str(number), "text": "晨" * 60_000})
        await socket.settle()
    assert socket.closed == []


async def test_what_is_said_during_the_hello_is_not_lost(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    early = Feed("late", "en", log, socket._send, socket._close)
    early.hear(frame(row, 0, "空山"))
    early.know({"candidates": [wire.candidate(row)]})
    early.open()
    pumping = asyncio.create_task(early.pump())
    while early.busy():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    pumping.cancel()
    assert socket.page.shown[str(row.pk)].text == "空山"


async def test_it_does_not_hear_its_own_events(log: Log, row: Candidate) -> None:
    socket = Socket(log, row)
    for sender in ("me", "another tab"):
        body = orjson.dumps({"type": "taken", "candidate": sender})
        socket.feed.hear(Live("event", sender.replace(" ", "-"), 0, 0, 0, body))
    await socket.settle()
    assert [m["candidate"] for m in socket.page.heard if m["type"] == "taken"] == ["another tab"]
