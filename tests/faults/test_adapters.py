"""An adapter from the registry to a poem on the page: loaded, proved, lost with a node, back again, and retired."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.verse.forms import conforms
from tests.client import Tab, Writer, tab
from tests.house import FakeEngine, House, house
from tests.processes import wait_until
from tests.tiny_adapter import tiny_adapter

pytestmark = pytest.mark.faults

BASE = "qwen"
WRITTEN_BY = """
import json
from writingapp.models import Candidate
print(json.dumps({str(row.pk): row.adapter for row in Candidate.objects.all()}))
"""


@pytest.fixture
def built() -> Iterator[House]:
    with house(FakeEngine(rate=30), MODEL=BASE) as standing:
        yield standing


def serve(built: House, folder: Path, seed: int) -> str:
    """Register an adapter and let it serve; answers its name."""
    made = tiny_adapter(folder / str(seed), seed=seed)
    listed = built.manage("adapters", "register", str(made), "--label", f"dew{seed}", "--base", BASE)
    name = next(line.split()[0] for line in listed.splitlines() if line.startswith(f"dew{seed}-"))
    built.manage("adapters", "serve", name)
    return name


async def proved(built: House, name: str) -> None:
    """Until the node's row says so."""

    def says_so() -> bool:
        return f"{name} proved" in built.manage("nodes")

    await asyncio.to_thread(wait_until, says_so, within=40, what=f"{name} to be proved")


async def poem(one: Tab) -> str:
    asked = await one.inspire(form="wujue")
    candidate = str(asked["candidates"][0]["id"])
    shown = await one.ended(candidate)
    assert (shown.status, conforms("wujue", shown.text)) == ("done", True)
    return candidate


async def test_an_adapter_writes_once_it_is_proved_and_comes_back_after_its_node_fell(
    built: House, tmp_path: Path
) -> None:
    ((cookie, session),) = built.sit_down("writer")
    async with tab(Writer(built, cookie), session) as one:
        before = await poem(one)
        name = await asyncio.to_thread(serve, built, tmp_path, 1)
        await proved(built, name)
        served = await _until_written_by(built, one, name)

        built.engine.kill()
        built.engine.start()
        lost = await poem(one)  # the rows still say that it is there; the node knows better: no text fails by it

        await proved(built, name)
        again = await _until_written_by(built, one, name)

        other = await asyncio.to_thread(serve, built, tmp_path, 2)
        await proved(built, other)
        changed = await _until_written_by(built, one, other)
        await asyncio.to_thread(built.manage, "adapters", "retire", other)
        back = await _until_written_by(built, one, name)  # the last clean one
        await asyncio.to_thread(built.manage, "adapters", "retire", name)
        retired = await _until_written_by(built, one, "")
    wrote = json.loads(built.inside(WRITTEN_BY))
    told = [wrote[each] for each in (before, served, again, changed, back, retired)]
    assert told == ["", name, name, other, name, ""]
    assert wrote[lost] in ("", name), "the base writes until the adapter is proved anew, however soon that is"


async def _until_written_by(built: House, one: Tab, adapter: str) -> str:
    """Ask again and again; a few seconds pass until workers and nodes have followed."""
    for _ in range(20):
        candidate = await poem(one)
        wrote = json.loads(await asyncio.to_thread(built.inside, WRITTEN_BY))
        if wrote[candidate] == adapter:
            return candidate
    raise AssertionError(f"nothing was written by {adapter or 'the base'}")
