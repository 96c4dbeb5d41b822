"""A blind trial through the page: two models write, nobody sees which, each text is by whom its row says."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import Writer, tab
from tests.faults.test_adapters import BASE, proved
from tests.house import FakeEngine, House, house
from tests.processes import wait_until
from tests.tiny_adapter import tiny_adapter

pytestmark = pytest.mark.faults
PASSED = "from writingapp.models import Adapter; Adapter.objects.update(gate={'passed': True})"
SHADOW = "import json; from writingapp.models import Trial; print(json.dumps(Trial.objects.get().shadow))"
ARMS = """
import json
from writingapp.models import Candidate
print(json.dumps([[row.arm, row.adapter, row.status] for row in Candidate.objects.order_by("queued_at", "position")]))
"""


@pytest.fixture
def built() -> Iterator[House]:
    with house(FakeEngine(rate=60), MODEL=BASE) as standing:
        yield standing


def register(built: House, folder: Path, seed: int) -> str:
    made = tiny_adapter(folder / str(seed), seed=seed)
    listed = built.manage("adapters", "register", str(made), "--label", f"dew{seed}", "--base", BASE)
    built.inside(PASSED)
    return next(line.split()[0] for line in listed.splitlines() if line.startswith(f"dew{seed}-"))


async def test_the_ask_says_who_writes_and_he_does(built: House, tmp_path: Path) -> None:
    ((cookie, session),) = built.sit_down("writer")
    champion, challenger = [await asyncio.to_thread(register, built, tmp_path, seed) for seed in (1, 2)]
    await asyncio.to_thread(built.manage, "promote", champion)
    await asyncio.to_thread(built.manage, "trials", "start", challenger, "--share", "100")
    await proved(built, challenger)
    shown: list[dict[str, Any]] = []
    async with tab(Writer(built, cookie), session) as one:
        for _ in range(3):
            asked = await one.inspire(form="wujue", candidates=2)
            shown.append(asked)
            for each in asked["candidates"]:
                await one.ended(str(each["id"]))
    rows = json.loads(await asyncio.to_thread(built.inside, ARMS))
    assert len(rows) == 6
    assert {(arm, adapter) for arm, adapter, _ in rows} == {("champion", champion), ("challenger", challenger)}
    assert {status for *_, status in rows} == {"done"}
    said = json.dumps(shown)
    assert not any(word in said for word in ("arm", "challenger", champion, challenger))


def shadowed(built: House) -> dict[str, float]:
    told: dict[str, float] = json.loads(built.inside(SHADOW))
    return told


async def test_in_the_shadow_it_answers_her_ask_and_she_never_meets_it(built: House, tmp_path: Path) -> None:
    ((cookie, session),) = built.sit_down("writer")
    challenger = await asyncio.to_thread(register, built, tmp_path, 3)
    await asyncio.to_thread(built.manage, "trials", "start", challenger, "--share", "0")
    async with tab(Writer(built, cookie), session) as one:
        asked = await one.inspire(form="wujue", candidates=2)
        for each in asked["candidates"]:
            await one.ended(str(each["id"]))
    await asyncio.to_thread(wait_until, lambda: bool(shadowed(built)), within=30, what="a text in the shadow")
    told = await asyncio.to_thread(shadowed, built)
    assert (told["failed"], told["out_of_form"], told["broken"]) == (0, 0, 0)
    rows = json.loads(await asyncio.to_thread(built.inside, ARMS))
    assert [adapter for _, adapter, _ in rows] == ["", ""]
