"""A scribe is patient with a queue, not with a silent engine, and hands back what it has when it is told to go."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from inference.engines.base import EngineError, Node
from inference.nodes import Nodes
from writingapp import db, loop, metrics, stream
from writingapp import scribe as scribes
from writingapp.models import Inspiration, User
from writingapp.outlet import Stream
from writingapp.scribe import Scribe
from writingapp.services import inspiring, sessions
from writingapp.services.claims import Claim
from writingapp.writing import Writing

PATIENCE = 0.2
ONE, TWO = (Node(name, "fake", "http://127.0.0.1:9", capacity=1) for name in ("one", "two"))

Read = Callable[[Node, Writing, str], Coroutine[Any, Any, None]]


def claim() -> Claim:
    candidate, inspiration, session = (str(uuid.uuid4()) for _ in range(3))
    return Claim(candidate, inspiration, session, 1, [], {}, "", "", "", timezone.now())


def writing() -> Writing:
    held = claim()
    told = asyncio.get_running_loop().create_future()
    told.set_result(held)
    return Writing(held, Stream(held.session_id, held.candidate_id, 1, "", 0), told)


@pytest.fixture
async def scribe(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scribe]:
    """Without its chores: it neither listens nor looks at rows."""
    monkeypatch.setattr(scribes, "PATIENCE", PATIENCE)
    monkeypatch.setattr(scribes, "RETRY_AFTER", 0.01)
    made = Scribe()
    for chore in made._chores:
        chore.cancel()
    made._room._looked.set()
    yield made
    await made._room.close()


def with_nodes(scribe: Scribe, read: Read, *nodes: Node) -> Nodes:
    scribe._room.nodes = Nodes(nodes)
    scribe._read_from = read  # type: ignore[method-assign, assignment]
    return scribe._room.nodes


def failing(*codes: str) -> tuple[list[str], Read]:
    """One try after the other fails with these, then one goes well; each try notes its node."""
    tried: list[str] = []

    async def read(node: Node, _: Writing, __: str) -> None:
        tried.append(node.name)
        if len(tried) <= len(codes):
            raise EngineError(codes[len(tried) - 1])  # type: ignore[arg-type]

    return tried, read


async def test_a_long_queue_is_no_silence(scribe: Scribe) -> None:
    tried, read = failing("engine_broken")
    nodes = with_nodes(scribe, read, ONE)
    async with nodes.lease():
        making = asyncio.create_task(scribe._make(writing()))
        await asyncio.sleep(2 * PATIENCE)
    await making
    assert tried == ["one", "one"]


async def test_whoever_waits_when_the_last_node_goes_still_waits_for_it_to_come_back(scribe: Scribe) -> None:
    tried, read = failing()
    nodes = with_nodes(scribe, read, ONE)

    async def die() -> None:
        async with nodes.lease():
            await asyncio.sleep(2 * PATIENCE)
            raise EngineError("engine_down")

    dying = asyncio.create_task(die())
    await asyncio.sleep(0)
    making = asyncio.create_task(scribe._make(writing()))
    await asyncio.wait({dying})
    await asyncio.sleep(PATIENCE / 4)
    nodes.update([])
    nodes.update([ONE])  # it is back
    await making
    assert tried == ["one"]


async def test_a_node_that_stays_away_is_not_waited_for_without_end(scribe: Scribe) -> None:
    _, read = failing(*["engine_down"] * 1000)
    with_nodes(scribe, read, ONE)
    async with asyncio.timeout(10 * PATIENCE):
        with pytest.raises(EngineError):
            await scribe._make(writing())


async def test_after_a_long_silence_each_other_node_gets_one_try(scribe: Scribe) -> None:
    tried: list[str] = []

    async def read(node: Node, *_: object) -> None:
        tried.append(node.name)
        await asyncio.sleep(2 * PATIENCE)
        raise EngineError("engine_timeout")

    with_nodes(scribe, read, ONE, TWO)
    with pytest.raises(EngineError):
        await scribe._make(writing())
    assert sorted(tried) == ["one", "two"]


@pytest.fixture
async def at_work(rows: None) -> AsyncIterator[Scribe]:
    """With its chores, and one pen at a node that says nothing."""
    made = Scribe()
    made._pens = asyncio.Semaphore(1)

    async def silent(*_: object) -> None:
        await asyncio.Event().wait()

    made._ask_engine = silent  # type: ignore[method-assign, assignment]
    yield made
    await made.leave()


def asked(user: User) -> Inspiration:
    session = sessions.start(user=user, minutes=None, theme="", goal=None, now=timezone.now())
    answer = inspiring.ask(
        session=session,
        key=uuid.uuid4(),
        kind="poem",
        form="free",
        wish="湖",
        before="",
        candidates=1,
        now=timezone.now(),
    )
    assert isinstance(answer, inspiring.Asked)
    return answer.inspiration


def statuses(*asks: Inspiration) -> list[tuple[str, int, bool]]:
    """Of the only text of each: status, attempt, and whether anybody holds it."""
    rows = [each.candidates.get() for each in asks]
    return [(row.status, row.attempt, bool(row.lease_until and row.lease_until > timezone.now())) for row in rows]


async def test_a_worker_told_to_go_hands_back_at_once_and_takes_nothing_new(at_work: Scribe, owner: User) -> None:
    other = await db.run(User.objects.create_user, "other")
    held, waiting, rung, late = [await db.run(asked, who) for who in (owner, owner, other, other)]
    at_work.accept(str(held.pk))
    async with asyncio.timeout(10):
        while await db.run(statuses, held) != [("running", 1, True)]:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)
    at_work.accept(str(waiting.pk))  # for a pen
    leaving = asyncio.create_task(at_work.leave())
    await asyncio.sleep(0)
    at_work.accept(str(late.pk))
    await asyncio.wait_for(leaving, 20)
    log: Any = stream.connect()
    assert {bytes(call) for call in await log.lrange(stream.BELL, 0, -1)} == {
        str(held.pk).encode(),
        str(waiting.pk).encode(),
    }
    await log.lpush(stream.BELL, str(rung.pk))
    await asyncio.sleep(0.2)
    assert await log.llen(stream.BELL) == 3
    await log.aclose()
    found = await db.run(statuses, held, waiting, rung, late)
    assert found == [("running", 1, False), *[("queued", 0, False)] * 3]


async def test_who_has_no_pen_free_leaves_the_bell_to_others(at_work: Scribe, owner: User) -> None:
    other = await db.run(User.objects.create_user, "other")
    held, rung = [await db.run(asked, who) for who in (owner, other)]
    await at_work._log.ring(str(held.pk))
    async with asyncio.timeout(10):
        while await db.run(statuses, held) != [("running", 1, True)]:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)
    await at_work._log.ring(str(rung.pk))
    await asyncio.sleep(0.2)
    assert await at_work._log.silence(str(rung.pk))
    await at_work._log.ring(str(rung.pk))
    at_work._stop(str(held.pk))
    async with asyncio.timeout(10):
        while await db.run(statuses, rung) != [("running", 1, True)]:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)


async def test_a_writer_s_second_inspiration_is_written_when_the_first_is_over(at_work: Scribe, owner: User) -> None:
    """Whatever seats and pens are free, and by whoever wrote the first."""
    at_work._pens = asyncio.Semaphore(9)
    may_end, begun = asyncio.Event(), asyncio.Queue[str]()

    async def write(writing: Writing) -> None:
        begun.put_nowait(writing.claim.inspiration_id)
        await may_end.wait()

    at_work._ask_engine = write  # type: ignore[method-assign]
    first, second = [await db.run(asked, owner) for _ in range(2)]
    at_work.accept(str(first.pk))
    assert await begun.get() == str(first.pk)
    at_work.accept(str(second.pk))
    await at_work._accepted[str(second.pk)]
    assert await db.run(statuses, first, second) == [("running", 1, True), ("queued", 0, False)]
    may_end.set()
    async with asyncio.timeout(10):
        assert await begun.get() == str(second.pk)
        await at_work._accepted[str(first.pk)]
    assert [status for status, *_ in await db.run(statuses, first, second)] == ["done", "done"]


async def test_a_text_is_timed_from_its_seat_and_the_ask_by_its_first_text(scribe: Scribe) -> None:
    async def read(node: Node, writing: Writing, adapter: str) -> None:
        scribe._begun(writing, 0.0)

    nodes = with_nodes(scribe, read, ONE)
    first, second = writing(), writing()
    second.claim = replace(second.claim, first=False)
    before = _asks_timed()
    async with nodes.lease():
        making = asyncio.create_task(scribe._make(first))
        await asyncio.sleep(0)
        seat_freed = timezone.now()
    await making
    await scribe._make(second)  # it begins when the first is over: that is no wait of hers for a first word
    assert first.seated_at is not None
    assert first.seated_at >= seat_freed
    assert _asks_timed() == before + 1


def _asks_timed() -> float:
    (found,) = metrics.FIRST_TEXT.collect()
    return sum(float(sample.value) for sample in found.samples if sample.name.endswith("_count"))


async def test_a_chore_that_breaks_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ANEW_AFTER", 0.01)
    begun = asyncio.Queue[None]()

    async def chore() -> None:
        begun.put_nowait(None)
        raise ValueError("anything")

    supervised = asyncio.create_task(loop.endless(chore))
    async with asyncio.timeout(5):
        for _ in range(3):
            await begun.get()
    supervised.cancel()
