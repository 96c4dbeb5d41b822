"""Claims of one moment go together: each gets its own text, none two, and a database that is away is told to all. And
a worker is called the sure way for every ask, which nobody waits for.
"""

import asyncio
import threading
import uuid
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from writingapp import db, doors, tasks, wire
from writingapp.claiming import MOST_TOGETHER, Claims
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


async def test_a_worker_is_called_the_sure_way_and_she_does_not_wait_for_it(
    rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker_is_slow, called = threading.Event(), asyncio.Event()
    loop, ids = asyncio.get_running_loop(), []

    def enqueue(inspiration_id: str) -> None:
        broker_is_slow.wait(30)
        ids.append(inspiration_id)
        loop.call_soon_threadsafe(called.set)

    monkeypatch.setattr(doors, "BEHIND_THE_BELL", 0.0)
    monkeypatch.setattr(tasks, "enqueue_write", enqueue)
    begun = partial(sessions.start, minutes=10, theme="湖", goal=None, now=timezone.now())
    session = await db.run(lambda: begun(user=User.objects.create_user(username="writer")))
    message = wire.Inspire(type="inspire", key=uuid.uuid4(), kind="line", wish="湖")
    told: list[wire.Payload] = []
    await doors.inspire(session.user, str(session.pk), message, "tab", told.append)
    assert ([each["type"] for each in told], ids) == (["queued"], [])
    broker_is_slow.set()
    await asyncio.wait_for(called.wait(), 30)
    assert ids == [told[0]["inspiration"]["id"]]
