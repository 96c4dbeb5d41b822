"""Eight writers at once, through web, worker and socket, with real vLLM behind them."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from inference.verse.forms import conforms
from tests.client import Writer, tab
from tests.engines.stands import Stand
from tests.house import FakeEngine, House, house
from tests.processes import wait_until
from tests.writingapp.page import Shown

pytestmark = [
    pytest.mark.parametrize(
        "stand", [pytest.param("vllm", marks=[pytest.mark.engine, pytest.mark.heavy])], indirect=True
    ),
    pytest.mark.timeout(600),
]
WRITERS = 8
IDLE_WITHIN = 2.0  # seconds after the last stop


@pytest.fixture(scope="module")
def the_house(stand: Stand) -> Iterator[House]:
    """A house whose settings name the engine on the stand. The fake engine that comes with a test house stays idle."""
    node = stand.node
    said = {"ENGINE_KIND": node.kind, "ENGINE_URL": node.url, "ENGINE_KEY": node.key, "MODEL": node.model}
    with house(FakeEngine(), **said, ENGINE_CAPACITY=str(node.capacity)) as built:
        yield built


async def one_poem(built: House, place: tuple[str, str], wish: str) -> tuple[str, Shown]:
    """One writer's ask to its end: the candidate, and what her page shows of it."""
    cookie, session = place
    async with tab(Writer(built, cookie), session) as page:
        asked = await page.inspire(form="wujue", wish=wish)
        candidate = asked["candidates"][0]["id"]
        return candidate, await page.ended(candidate)


async def test_eight_writers_ask_at_once_and_each_page_shows_her_row(the_house: House, stand: Stand) -> None:
    places = the_house.sit_down(*(f"writer-{number}" for number in range(WRITERS)))
    began = time.monotonic()
    ends = await asyncio.gather(*(one_poem(the_house, place, f"第{place[1][:2]}片湖") for place in places))
    print(f"\n{WRITERS} writers have their poems after {time.monotonic() - began:.1f} s")
    for (candidate, shown), (_, session) in zip(ends, places, strict=True):
        assert shown.status == "done"
        assert conforms("wujue", shown.text), shown.text
        assert the_house.rows(session)["candidates"][candidate] == ["done", shown.text]


async def test_when_all_writers_stop_the_engine_is_idle(the_house: House, stand: Stand) -> None:
    places = the_house.sit_down(*(f"stopper-{number}" for number in range(WRITERS)))
    all_begun = asyncio.Barrier(WRITERS)
    ends = await asyncio.gather(*(one_stop(the_house, place, all_begun, stand) for place in places))
    began = time.monotonic()
    assert set(ends) == {"stopped"}
    await asyncio.to_thread(wait_until, lambda: stand.running() == 0, within=IDLE_WITHIN, what="vLLM to be idle")
    print(f"\nidle {time.monotonic() - began:.2f} s after {WRITERS} stops")


async def one_stop(built: House, place: tuple[str, str], all_begun: asyncio.Barrier, stand: Stand) -> str:
    """Stops in the middle of a long text, once all have begun; how it ended on her page."""
    cookie, session = place
    async with tab(Writer(built, cookie), session) as page:
        asked = await page.inspire(form="free", wish="雨后的街")
        candidate = asked["candidates"][0]["id"]
        await page.until(lambda seen: bool(seen.shown[candidate].text))
        await all_begun.wait()
        assert await asyncio.to_thread(stand.running) > 0
        await page.send("stop", inspiration=asked["id"])
        return (await page.ended(candidate)).status
