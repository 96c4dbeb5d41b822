"""A ring foretells the claim of a new ask. An engine is asked on that word; no text leaves before the rows agree."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from django.utils import timezone

from inference.engines import engine
from inference.engines.base import Node
from inference.engines.fake.poet import wish_of
from inference.verse.options import Options
from tests.processes_inference import fake_node
from tests.writingapp import test_swapping
from tests.writingapp.test_photo_rows import received
from writingapp import bell, db
from writingapp import scribe as scribes
from writingapp.claiming import Claims
from writingapp.engineroom import EngineRoom
from writingapp.models import Candidate, User, WritingSession
from writingapp.scribe import Scribe
from writingapp.services import claims, inspiring, sessions, trials
from writingapp.services.claims import Claim
from writingapp.services.inspiring import Asked

OPTIONS = Options(rhyme="阳", words=("湖",), script="hant", strict=True)


def session_of(user: User) -> WritingSession:
    return sessions.start(user=user, minutes=10, theme="湖", goal=None, now=timezone.now())


def ask(session: WritingSession, **asked: Any) -> Asked:
    usual: dict[str, Any] = {"kind": "line", "form": "", "wish": "清晨的湖", "before": "", "candidates": 1}
    answer = inspiring.ask(session=session, key=uuid.uuid4(), now=timezone.now(), **usual | asked)
    assert isinstance(answer, Asked), answer
    return answer


def ring(asked: Asked) -> bytes:
    """As Redis hands it on."""
    return bell.ring(asked.inspiration, asked.candidates).encode()


def a_line(session: WritingSession) -> Asked:
    return ask(session)


def a_poem(session: WritingSession) -> Asked:
    return ask(session, kind="poem", form="wujue", candidates=2, chips=("芦苇",), options=OPTIONS)


def of_a_photograph(session: WritingSession) -> Asked:
    return ask(session, kind="poem", form="free", photo=received(session))


def another_line(session: WritingSession) -> Asked:
    return test_swapping.swap(session, test_swapping.poem_in(session))


def in_a_trial(session: WritingSession) -> Asked:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "arms", lambda **_: [("challenger", "night-2"), ("champion", "night-1")])
        return ask(session, kind="poem", form="wujue", candidates=2)


Make = Callable[[WritingSession], Asked]


@pytest.mark.parametrize("make", [a_line, a_poem, of_a_photograph, another_line, in_a_trial])
def test_what_is_foretold_is_what_the_rows_say(owner: User, make: Make, settings: Any, tmp_path: Path) -> None:
    settings.PHOTOS = tmp_path
    asked = make(session_of(owner))
    told, foretold = bell.heard(ring(asked))
    assert told == str(asked.inspiration.pk)
    assert foretold is not None
    assert claims.claim_next(inspiration_id=told, now=timezone.now()) == foretold


def test_an_ask_that_waits_for_another_is_only_named(owner: User) -> None:
    session = session_of(owner)
    ask(session)
    second = ask(session)
    assert bell.heard(ring(second)) == (str(second.inspiration.pk), None)


def test_a_ring_of_another_release_names_the_ask_at_least(owner: User) -> None:
    asked = ask(session_of(owner))
    rung = orjson.loads(ring(asked))
    less = [{name: said for name, said in rung.items() if name != gone} for gone in ("messages", "asked_at")]
    for other in (rung | {"tomorrow": 1}, rung | {"asked_at": "today"}, *less):
        assert bell.heard(orjson.dumps(other)) == (str(asked.inspiration.pk), None)


# --- at work ---------------------------------------------------------------------------------------------------------


class Slow(Claims):
    """The rows answer once they may. Whoever rings with these can look at what is done meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.away = False

    async def next(self, inspiration_id: str) -> Claim | None:
        await self.may_answer.wait()
        if self.away:
            raise OperationalError
        return await super().next(inspiration_id)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    with fake_node(rate=30, tokens=60) as there:
        yield there


@pytest.fixture
async def at_work(rows: None, node: Node, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scribe]:
    """With its chores and a quick heart, at this node; the rows answer no claim until they may."""

    async def watch(room: EngineRoom) -> None:
        room.nodes.update([node])
        room._looked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(EngineRoom, "watch", watch)
    monkeypatch.setattr(scribes, "HEARTBEAT", 0.02)
    made = Scribe()
    made._claims = Slow()
    yield made
    slow(made).may_answer.set()
    await made.leave()


def slow(scribe: Scribe) -> Slow:
    assert isinstance(scribe._claims, Slow)
    return scribe._claims


async def foretold(owner: User) -> Claim:
    """Of an ask that has been committed."""
    asked = await db.run(lambda: ask(session_of(owner)))
    _, claim = bell.heard(ring(asked))
    assert claim is not None
    return claim


async def begun(scribe: Scribe, node: Node, claim: Claim) -> "asyncio.Task[None]":
    """Accepted, and already under way in the engine."""
    scribe.accept(claim.inspiration_id, claim)
    writing = scribe._accepted[claim.inspiration_id]
    await made_there(scribe, node, 1)
    await asyncio.sleep(0.1)  # it has said something by now, and the heart has beaten
    return writing


async def made_there(scribe: Scribe, node: Node, texts: int) -> None:
    """Until the engine is making so many."""
    async with asyncio.timeout(10):
        while (await engine(node.kind).health(scribe._room.http, node)).running != texts:  # noqa: ASYNC110 - another's
            await asyncio.sleep(0.01)


async def row(claim: Claim) -> Candidate:
    return await db.run(Candidate.objects.get, pk=claim.candidate_id)


async def test_not_a_character_leaves_before_the_row_is_claimed(at_work: Scribe, node: Node, owner: User) -> None:
    asked = await db.run(lambda: ask(session_of(owner)))
    await at_work._log.ring(bell.ring(asked.inspiration, asked.candidates))
    await made_there(at_work, node, 1)
    await asyncio.sleep(0.1)
    candidate = str(asked.candidates[0].pk)
    assert await at_work._log.replay(candidate) is None
    assert (await db.run(Candidate.objects.get, pk=candidate)).status == "queued"
    slow(at_work).may_answer.set()
    await at_work._accepted[str(asked.inspiration.pk)]
    replay, ended = await at_work._log.replay(candidate), await db.run(Candidate.objects.get, pk=candidate)
    assert replay is not None
    assert (ended.status, ended.attempt, ended.text) == ("done", 1, replay.text)
    assert ended.text


async def test_what_another_worker_holds_is_left_alone(at_work: Scribe, node: Node, owner: User) -> None:
    """Its attempt has the same number as the one that was foretold."""
    claim = await foretold(owner)
    assert await db.run(claims.claim_next, inspiration_id=claim.inspiration_id, now=timezone.now()) == claim
    held = await row(claim)
    writing = await begun(at_work, node, claim)
    at_work._stop(claim.inspiration_id)
    slow(at_work).may_answer.set()
    await writing
    await made_there(at_work, node, 0)
    now = await row(claim)
    assert (now.status, now.lease_until, now.text) == ("running", held.lease_until, "")
    assert await at_work._log.replay(claim.candidate_id) is None


async def test_a_wrong_word_of_the_bell_costs_an_answer_of_the_engine_and_no_more(
    at_work: Scribe, node: Node, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    read_from = Scribe._read_from

    async def noted(scribe: Scribe, *args: Any) -> None:
        seen.append(wish_of({"messages": args[1].claim.messages}))
        await read_from(scribe, *args)

    monkeypatch.setattr(Scribe, "_read_from", noted)
    claim = await foretold(owner)
    other = replace(claim, messages=[*claim.messages[:-1], {"role": "user", "content": "写一句。\n愿望：海"}])
    writing = await begun(at_work, node, other)
    slow(at_work).may_answer.set()
    await writing
    ended, replay = await row(claim), await at_work._log.replay(claim.candidate_id)
    assert replay is not None
    assert (ended.status, ended.attempt, ended.text) == ("done", 1, replay.text)
    assert len(seen) == 2
    assert seen[0] != seen[1]


async def test_who_stops_before_the_row_is_claimed_has_stopped_it(at_work: Scribe, node: Node, owner: User) -> None:
    claim = await foretold(owner)
    writing = await begun(at_work, node, claim)
    at_work._stop(claim.inspiration_id)
    await made_there(at_work, node, 0)
    slow(at_work).may_answer.set()
    await writing
    assert (await row(claim)).status == "stopped"


async def test_told_to_go_before_the_row_is_claimed_it_gives_it_back(at_work: Scribe, node: Node, owner: User) -> None:
    claim = await foretold(owner)
    await begun(at_work, node, claim)
    leaving = asyncio.create_task(at_work.leave())
    await asyncio.sleep(0)
    slow(at_work).may_answer.set()
    await asyncio.wait_for(leaving, 10)
    found = await row(claim)
    assert found.status == "running"
    assert found.lease_until is not None
    assert found.lease_until < timezone.now()


async def test_a_database_that_is_away_leaves_the_ask_for_the_sweep(at_work: Scribe, node: Node, owner: User) -> None:
    claim = await foretold(owner)
    writing = await begun(at_work, node, claim)
    slow(at_work).away = True
    slow(at_work).may_answer.set()
    await writing
    await made_there(at_work, node, 0)
    found = await row(claim)
    assert (found.status, found.attempt) == ("queued", 0)
    assert await at_work._log.replay(claim.candidate_id) is None
