"""A socket outlives neither the login nor the account, leaves nothing behind, and makes up for what it missed."""

import asyncio
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connections
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from tests.processes import RedisServer
from writingapp import consumers, db, doors, tasks
from writingapp.asgi import application
from writingapp.celery import app
from writingapp.hub import hub
from writingapp.models import User, WritingSession
from writingapp.services import manuscripts, sessions
from writingapp.services.manuscripts import Change
from writingapp.visitor import visitor


@pytest.fixture
def seat(owner: User, client: Client) -> tuple[WritingSession, str]:
    client.force_login(owner)
    session = sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())
    return session, client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def opened(session: WritingSession, cookie: str) -> AsyncIterator[WebsocketCommunicator]:
    line = line_to(session, cookie)
    assert (await line.connect())[0]
    assert orjson.loads(await line.receive_from(timeout=5))["type"] == "hello"
    yield line
    await line.disconnect()
    await go_home()


def line_to(session: WritingSession, cookie: str) -> WebsocketCommunicator:
    headers = [(b"origin", settings.SITE_ORIGINS[0].encode())]
    headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    return WebsocketCommunicator(application, f"/ws/sessions/{session.pk}/", headers)


async def go_home() -> None:
    await hub().close()
    await sync_to_async(connections.close_all)()  # of the thread that Django's own coroutines use


def sockets() -> float | None:
    return REGISTRY.get_sample_value("bailu_sockets")


async def forget_login() -> None:
    await Session.objects.all().adelete()


async def disable_account() -> None:
    await User.objects.all().aupdate(is_active=False)


async def change_password() -> None:
    user = await User.objects.aget()
    user.set_password("另一个晨露未晞")
    await sync_to_async(user.save)()


@pytest.mark.parametrize("end", [forget_login, disable_account, change_password])
async def test_a_socket_that_only_listens_ends_with_the_login(
    seat: tuple[WritingSession, str], end: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LOGIN_CHECKED_EVERY", 0.2)
    async with opened(*seat) as line:
        assert await line.receive_nothing(timeout=0.5)
        await end()
        assert await line.receive_output(timeout=5) == {"type": "websocket.close", "code": consumers.NO_LOGIN}
        assert await line.receive_nothing()


def test_the_rows_of_logins_that_have_run_out_go(rows: None) -> None:
    for key, days in (("over", -1), ("stands", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    tasks.forget_logins()
    assert [login.session_key for login in Session.objects.all()] == ["stands"]
    assert tasks.forget_logins.name in {entry["task"] for entry in app.conf.beat_schedule.values()}


async def test_a_login_that_stands_is_looked_at_without_reading_the_account_anew(
    seat: tuple[WritingSession, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []

    def noted(*said: Any) -> Any:
        looked.append(said)
        return visitor(*said)

    monkeypatch.setattr(consumers, "LOGIN_CHECKED_EVERY", 0.05)
    monkeypatch.setattr(consumers, "visitor", noted)
    async with opened(*seat) as line:
        assert await line.receive_nothing(timeout=0.5)
        assert len(looked) == 1  # as it was opened
        await User.objects.all().aupdate(language="en")
        assert await line.receive_nothing(timeout=0.5)
        assert len(looked) == 2
        await line.send_to(text_data="{")
        assert "could not be read" in orjson.loads(await line.receive_from(timeout=5))["message"]


async def test_a_strange_cookie_beside_the_login_keeps_nobody_out(seat: tuple[WritingSession, str]) -> None:
    cookies = f"note=a b; version=1; {settings.SESSION_COOKIE_NAME}={seat[1]}; =; x"
    user, _ = await db.run(visitor, {"query_string": b"", "headers": [(b"cookie", cookies.encode())]})
    assert user == await User.objects.aget()


async def test_a_database_that_is_away_ends_no_login(
    seat: tuple[WritingSession, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(consumers, "LOGIN_CHECKED_EVERY", 0.05)
    async with opened(*seat) as line:
        monkeypatch.setattr(consumers, "stands", away)
        assert await line.receive_nothing(timeout=0.5)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_greeting_that_fails_leaves_no_listener_behind(
    seat: tuple[WritingSession, str], cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def greet(*_: object) -> None:
        begun.set()
        await asyncio.sleep(60 if cancelled else 0)
        raise DatabaseError

    monkeypatch.setattr(doors, "greet", greet)
    before = sockets()
    line = line_to(*seat)
    await line.connect()
    await asyncio.wait_for(begun.wait(), 5)
    if cancelled:
        line.future.cancel()
    await asyncio.wait({line.future}, timeout=5)
    assert line.future.done()
    assert not hub()._listeners
    assert sockets() == before
    await go_home()


async def test_a_writer_has_so_many_sockets_and_no_more(
    seat: tuple[WritingSession, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_SOCKETS", 2)
    async with opened(*seat), opened(*seat):
        line = line_to(*seat)
        assert (await line.connect())[0]  # a page is told only once it is let in
        assert await line.receive_output(timeout=5) == {"type": "websocket.close", "code": consumers.TOO_MANY}
        await line.disconnect()
    async with opened(*seat), opened(*seat):
        pass
    assert not consumers._open


async def test_nonsense_costs_its_pace_and_a_flood_of_it_ends_the_socket(
    seat: tuple[WritingSession, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MOST_REFUSED", 150)
    async with opened(*seat) as line:
        told = []
        for _ in range(149):
            await line.send_to(text_data='{"type": "stop", "inspiration": "no id"}')
            told.append(orjson.loads(await line.receive_from(timeout=5)))
        assert {(each["type"], each["ref"]) for each in told} == {("error", "no id")}
        codes = [each["code"] for each in told]
        assert codes[:100] == ["malformed"] * 100
        assert "too_fast" in codes
        await line.send_to(text_data="{")
        while (said := await line.receive_output(timeout=5))["type"] == "websocket.send":
            pass
        assert said == {"type": "websocket.close", "code": consumers.FLOOD}
        await line.send_to(text_data="{")
        assert await line.receive_nothing()


async def test_what_other_tabs_said_while_redis_was_away_is_told_when_it_is_back(
    seat: tuple[WritingSession, str], the_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "GREETED_AGAIN_WITHIN", 0.2)
    async with opened(*seat) as line:
        the_redis.kill()
        save = functools.partial(manuscripts.save, session=seat[0], save_id=uuid.uuid4(), base_rev=0)
        await db.run(save, change=Change(text="白露"), now=timezone.now())
        the_redis.start()
        the_redis.wait()
        hello = orjson.loads(await line.receive_from(timeout=10))
        assert (hello["type"], hello["manuscript"]) == ("hello", {"rev": 1, "text": "白露"})
        assert await line.receive_nothing(timeout=0.6)  # once, of however many channels the subscription is
        await line.send_to(text_data='{"type": "ping", "t": 1}')
        assert orjson.loads(await line.receive_from(timeout=5))["type"] == "pong"
