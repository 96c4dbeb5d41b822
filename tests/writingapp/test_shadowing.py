"""A challenger in the shadow: it answers real asks, nobody meets its texts, and only counts of them stay."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from inference.engines import engine
from inference.engines.base import AdapterFiles, Node
from inference.nodes import Need, Nodes
from inference.sse import Limits
from tests.processes_inference import fake_node
from tests.writingapp import test_looking
from tests.writingapp.kept import listener
from tests.writingapp.test_looking import http
from tests.writingapp.test_promoting import NOW, Make, everywhere, make
from tests.writingapp.test_trials import asked
from writingapp import db
from writingapp.models import Adapter, Candidate, Trial, User
from writingapp.services import claims, trials
from writingapp.services.claims import Claim
from writingapp.shadowing import Shadow

__all__ = ["http", "make"]
pytestmark = pytest.mark.usefixtures("rows")


class Room(test_looking.Room):
    """The engine room, as far as a shadow needs it."""

    @property
    def nodes(self) -> Nodes:
        return self


@pytest.fixture
def challenger(make: Make) -> Adapter:
    row = make(1)
    everywhere(row)
    return row


@pytest.fixture
def claim(challenger: Adapter, owner: User) -> Claim:
    [text] = asked(owner, candidates=1)
    Candidate.objects.update(status="queued")
    found = claims.claim_next(inspiration_id=str(text.inspiration_id), now=NOW)
    assert found
    return found


async def followed(room: Any, claim: Claim) -> dict[str, float]:
    shadow = Shadow(room)
    shadow.follow(claim)
    shadow.follow(claim)  # one at a time
    assert shadow._task
    await shadow._task
    told: dict[str, float] = (await db.run(Trial.objects.get)).shadow
    return told


async def test_its_answer_is_counted_and_thrown_away(
    http: aiohttp.ClientSession, claim: Claim, challenger: Adapter
) -> None:
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    with fake_node(rate=0) as node:
        await _load(http, node, challenger)
        told = await followed(Room(http, replace(node, adapters=frozenset({challenger.name}))), claim)
    assert {name: told[name] for name in ("asked", "failed", "broken")} == {"asked": 1, "failed": 0, "broken": 0}
    assert told["seconds"] > 0
    assert await db.run(Candidate.objects.count) == 1


async def test_a_node_without_it_and_a_trial_that_writers_meet_count_nothing(
    http: aiohttp.ClientSession, claim: Claim, challenger: Adapter
) -> None:
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    with fake_node(rate=0) as node:
        assert await followed(Room(http, node), claim) == {}
        await db.run(trials.widen, share=0.5, now=NOW)
        assert await followed(Room(http, replace(node, adapters=frozenset({challenger.name}))), claim) == {}


async def test_one_that_fails_is_counted_too(http: aiohttp.ClientSession, claim: Claim, challenger: Adapter) -> None:
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    with fake_node(rate=0, misbehave="die") as node:
        await _load(http, node, challenger)
        told = await followed(Room(http, replace(node, adapters=frozenset({challenger.name}))), claim)
    assert (told["asked"], told["failed"]) == (1, 1)


async def test_what_is_no_fault_of_the_challenger_s_is_not_counted(
    http: aiohttp.ClientSession, claim: Claim, challenger: Adapter
) -> None:
    """There is no node, or it is silent, or nobody answers there."""
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    assert await followed(Room(http), claim) == {}
    with fake_node(rate=0, misbehave="hang") as node:
        fitted = replace(node, adapters=frozenset({challenger.name}), limits=Limits(first=0.2))
        await _load(http, node, challenger)
        assert await followed(Room(http, fitted), claim) == {}
    assert await followed(Room(http, fitted), claim) == {}


async def test_a_node_that_dies_in_the_middle_is_not_counted(
    http: aiohttp.ClientSession, claim: Claim, challenger: Adapter
) -> None:
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    with fake_node(rate=5) as node:
        shadow, _ = await _in_the_middle(http, replace(node, adapters=frozenset({challenger.name})), claim, challenger)
        listener(node.url).kill()
        assert shadow._task
        await shadow._task
    assert (await db.run(Trial.objects.get)).shadow == {}


async def test_it_begins_only_when_nobody_waits_and_makes_way_on_a_small_node(
    http: aiohttp.ClientSession, claim: Claim, challenger: Adapter
) -> None:
    await db.run(trials.start, challenger=challenger, share=0.0, now=NOW)
    with fake_node(rate=5) as node:
        small = replace(node, adapters=frozenset({challenger.name}), capacity=2)
        shadow, room = await _in_the_middle(http, small, claim, challenger)
        assert shadow._task
        shadow.make_way(Need("a writer", avoid=frozenset({"another"})))
        await asyncio.wait({shadow._task})
        assert shadow._task.cancelled()
        async with room.lease(), room.lease():
            waiting = asyncio.create_task(room.lease().__aenter__())
            await asyncio.sleep(0)
            before = shadow._task
            shadow.follow(claim)
            assert shadow._task is before
            waiting.cancel()
            await asyncio.wait({waiting})
    assert (await db.run(Trial.objects.get)).shadow == {}


async def _in_the_middle(http: aiohttp.ClientSession, node: Node, claim: Claim, row: Adapter) -> tuple[Shadow, Room]:
    """A shadow that has begun to write."""
    await _load(http, node, row)
    room: Any = Room(http, node)
    shadow = Shadow(room)
    shadow.follow(claim)
    while not (await engine("fake").health(http, node)).running:  # noqa: ASYNC110 - a test looks from outside
        await asyncio.sleep(0.01)
    return shadow, room


async def _load(http: aiohttp.ClientSession, node: Node, row: Adapter) -> None:
    await engine("fake").load(http, node, AdapterFiles(row.name, Path(row.folder)))
