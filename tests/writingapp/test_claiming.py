"""Claims of one moment go together: each gets its own text, none two, and a database that is away is told to all. And
for what no worker heard by the bell one is called the sure way, which nobody waits for.
"""

import asyncio
import threading
import uuid
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from redis.exceptions import RedisError

from writingapp import bell, db, doors, stream, tasks, wire
from writingapp.claiming import MOST_TOGETHER, Claims
from writingapp.hub import hub
from writingapp.models import User
from writingapp.services import claims, inspiring, sessions

MANY = MOST_TOGETHER + 4


def ask(writer: User) -> str:
    session = sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=timezone.now())
    asked: dict[str, Any] = {"kind": "line", "form": "", "wish": "湖", "before": "", "candidates": 1}
    answer = inspiring.ask(session=session, key=uuid.uuid4(), now=timezone.now(), **asked)
    assert isinstance(answer, inspiring.Asked)
    return str(answer.inspiration.pk)


def asks(many: int) -> list[str]:
    return [ask(User.objects.create_user(username=f"writer-{place}")) for place in range(many)]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many went together, each time; the work itself is done."""
    seen: list[int] = []
    each = claims.claim_each

    def noted(*, inspiration_ids: list[str], **more: Any) -> list[claims.Claim | None]:
        seen.append(len(inspiration_ids))
        return each(inspiration_ids=inspiration_ids, **more)

    monkeypatch.setattr(claims, "claim_each", noted)
    return seen


async def test_those_of_one_moment_go_together_and_each_gets_its_own(rows: None, batches: list[int]) -> None:
    ids = await db.run(asks, MANY)
    mine = Claims()
    found = await asyncio.gather(*(mine.next(each) for each in ids))
    assert [claim and claim.inspiration_id for claim in found] == ids
    assert batches == [1, MOST_TOGETHER, MANY - 1 - MOST_TOGETHER]  # the first waits for nobody


async def test_one_text_is_given_once_however_many_ask_for_it_at_once(rows: None) -> None:
    (one,) = await db.run(asks, 1)
    mine = Claims()
    found = await asyncio.gather(*(mine.next(one) for _ in range(5)))
    assert [claim is None for claim in found] == [False, True, True, True, True]


async def test_a_database_that_is_away_is_told_to_all_and_the_next_goes_well(
    rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await db.run(asks, 3)
    mine = Claims()

    def away(**_: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(claims, "claim_each", away)
        told = await asyncio.gather(*(mine.next(each) for each in ids), return_exceptions=True)
    assert [type(each) for each in told] == [OperationalError] * 3
    again = await asyncio.gather(*(mine.next(each) for each in ids))
    assert [claim and claim.inspiration_id for claim in again] == ids


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Celery was given to bring, at once after the bell."""
    seen: list[str] = []
    monkeypatch.setattr(doors, "BEHIND_THE_BELL", 0.0)
    monkeypatch.setattr(tasks, "enqueue_write", seen.append)
    return seen


async def ask_at_the_door() -> str:
    """Answers the inspiration's id."""
    begun = partial(sessions.start, minutes=10, theme="湖", goal=None, now=timezone.now())
    session = await db.run(lambda: begun(user=User.objects.create_user(username="writer")))
    message = wire.Inspire(type="inspire", key=uuid.uuid4(), kind="line", wish="湖")
    told: list[wire.Payload] = []
    await doors.inspire(session.user, str(session.pk), message, "tab", told.append)
    assert [each["type"] for each in told] == ["queued"]
    return str(told[0]["inspiration"]["id"])


async def called() -> None:
    """Until every worker that is to be called has been."""
    await asyncio.wait_for(asyncio.gather(*doors._calls), 30)


async def test_what_no_worker_hears_is_brought_the_sure_way_and_she_does_not_wait_for_it(
    rows: None, monkeypatch: pytest.MonkeyPatch, enqueued: list[str]
) -> None:
    broker_is_slow = threading.Event()

    def enqueue(inspiration_id: str) -> None:
        broker_is_slow.wait(30)
        enqueued.append(inspiration_id)

    monkeypatch.setattr(tasks, "enqueue_write", enqueue)
    asked = await ask_at_the_door()
    assert enqueued == []
    broker_is_slow.set()
    await called()
    assert enqueued == [asked]
    assert await ears().llen(stream.BELL) == 0  # or a worker that comes later would find it twice


async def test_what_a_worker_has_heard_is_not_brought_again(rows: None, enqueued: list[str]) -> None:
    worker = asyncio.create_task(ears().brpop([stream.BELL]))
    asked = await ask_at_the_door()
    assert bell.heard((await asyncio.wait_for(worker, 30))[1])[0] == asked
    await called()
    assert enqueued == []


async def test_what_could_not_be_rung_for_is_brought(
    rows: None, monkeypatch: pytest.MonkeyPatch, enqueued: list[str]
) -> None:
    """Whether Redis is away when it is rung or when it is looked after."""

    async def away(*_: object) -> None:
        raise RedisError

    asked = []
    for silent in ("call", "silence"):
        with monkeypatch.context() as patch:
            patch.setattr(stream.Log, silent, away)
            asked.append(await ask_at_the_door())
            await called()
        await db.run(User.objects.all().delete)
    assert enqueued == asked


def ears() -> Any:
    return hub().log.redis
