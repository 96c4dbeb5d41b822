"""Processes die while a poem is being written, and nothing is lost: page text equals database text each time."""

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator

import pytest

from inference.verse.forms import conforms
from tests.client import Tab, Writer, tab
from tests.house import FakeEngine, House, house
from tests.processes import wait_until
from tests.writingapp.page import Page, Shown

pytestmark = pytest.mark.faults

SLOW = 8.0  # tokens a second: a quatrain takes about three seconds, long enough to be hit in the middle
HONEST_WITHIN = 25.0  # seconds from a worker's death to a text that goes on or has ended


@pytest.fixture
def slow_house() -> Iterator[House]:
    with house(FakeEngine(rate=SLOW)) as built:
        yield built


@pytest.fixture
def writer(slow_house: House) -> tuple[Writer, str]:
    ((cookie, session_id),) = slow_house.sit_down("writer")
    return Writer(slow_house, cookie), session_id


async def begin(one: Tab, characters: int = 5) -> str:
    """Ask for a quatrain and wait until some of it is on the page; answers the candidate."""
    inspiration = await one.inspire(form="wujue", wish="清晨的湖")
    candidate = str(inspiration["candidates"][0]["id"])
    await one.until(lambda page: len(page.shown[candidate].text) >= characters)
    return candidate


def is_whole(house: House, candidate: str, shown: Shown) -> None:
    """What the page shows is what the database holds, and it is a poem from end to end."""
    assert (shown.status, shown.text) == house.row(candidate)
    assert shown.status == "done"
    assert conforms("wujue", shown.text)


async def test_a_killed_worker_s_text_goes_on(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        slow_house.worker.kill()
        killed_at = time.monotonic()
        before = one.page.shown[candidate].text
        slow_house.worker.start()
        await one.until(lambda page: len(page.shown[candidate].text) > len(before) + 1)
        assert time.monotonic() - killed_at < HONEST_WITHIN
        shown = await one.ended(candidate)
    assert shown.attempt == 2
    assert shown.text.startswith(before)
    is_whole(slow_house, candidate, shown)


async def test_a_worker_told_to_go_hands_its_text_over(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        slow_house.worker.kill(signal.SIGTERM)
        before = one.page.shown[candidate].text
        slow_house.worker.start()
        shown = await one.ended(candidate)
    assert shown.text.startswith(before)
    is_whole(slow_house, candidate, shown)


async def test_what_a_hung_worker_has_heard_another_writes(slow_house: House, writer: tuple[Writer, str]) -> None:
    """Redis hands it an ask, and one of the sweep's messages; once it goes on it leaves what is another's."""
    async with tab(*writer) as one:
        slow_house.worker.popen.send_signal(signal.SIGSTOP)
        try:
            candidate = str((await one.inspire(form="wujue"))["candidates"][0]["id"])
            slow_house.hire()
            shown = await one.ended(candidate)
        finally:
            slow_house.worker.popen.send_signal(signal.SIGCONT)
        assert shown.attempt == 1
        is_whole(slow_house, candidate, shown)
        again = str((await one.inspire(form="wujue"))["candidates"][0]["id"])
        is_whole(slow_house, again, await one.ended(again))
        is_whole(slow_house, candidate, shown)


async def test_redis_may_restart_in_the_middle(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        slow_house.redis.kill()
        slow_house.redis.start()
        slow_house.redis.wait()
        shown = await one.ended(candidate)
        await one.send("ping", t=1)  # the socket is the same one, and answers
        await one.expect("pong")
    assert shown.attempt == 1
    is_whole(slow_house, candidate, shown)


async def test_redis_may_lose_everything(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        await asyncio.to_thread(slow_house.flush_redis)
        shown = await one.ended(candidate)
    is_whole(slow_house, candidate, shown)


async def test_an_ask_made_while_redis_is_away_is_written_later(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        slow_house.redis.kill()
        inspiration = await one.inspire(form="wujue")
        candidate = inspiration["candidates"][0]["id"]
        slow_house.redis.start()
        slow_house.redis.wait()
        is_whole(slow_house, candidate, await one.ended(candidate))


async def test_the_web_process_may_restart_in_the_middle(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        seen: Page = one.page
        slow_house.web.kill()
        slow_house.web.start()
        await asyncio.to_thread(slow_house.wait)
    async with tab(*writer) as again:
        shown = await again.ended(candidate)
    assert shown.text.startswith(seen.shown[candidate].text)
    is_whole(slow_house, candidate, shown)


async def test_an_engine_that_dies_is_waited_for_and_goes_on(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        slow_house.engine.kill()
        before = one.page.shown[candidate].text
        await one.until(lambda page: told(page) == "down")
        slow_house.engine.start()
        shown = await one.ended(candidate)
    assert shown.text.startswith(before)
    is_whole(slow_house, candidate, shown)


async def test_an_engine_that_stays_away_ends_honestly(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        candidate = await begin(one)
        slow_house.engine.kill()
        await one.send("save", save_id=str(uuid.uuid4()), base_rev=0, text="写作照常")  # writing goes on
        assert (await one.expect("saved"))["rev"] == 1
        message = await one.expect("end")
    assert message["status"] == "interrupted"
    assert message["error"]["code"] == "engine_down"
    assert message["text"]
    assert (message["status"], message["text"]) == slow_house.row(candidate)


async def test_no_worker_at_all_is_said(slow_house: House, writer: tuple[Writer, str]) -> None:
    slow_house.worker.kill()
    wait_until(lambda: slow_house.engine_key() is None, within=15, what="the last word of the worker to age")
    async with tab(*writer) as one:
        assert one.page.heard[0]["engine"]["state"] == "away"


async def test_an_acknowledged_save_survives_the_web_process(slow_house: House, writer: tuple[Writer, str]) -> None:
    async with tab(*writer) as one:
        await one.send("save", save_id=str(uuid.uuid4()), base_rev=0, text="露从今夜白")
        await one.expect("saved")
        slow_house.web.kill()
    slow_house.web.start()
    await asyncio.to_thread(slow_house.wait)
    async with tab(*writer) as again:
        assert again.page.heard[0]["manuscript"] == {"rev": 1, "text": "露从今夜白"}


def told(page: Page) -> str:
    """How the model is, as the page last heard."""
    notices = [each for each in page.heard if each["type"] == "notice" and each["kind"] == "engine"]
    return str(notices[-1]["state"]) if notices else ""
