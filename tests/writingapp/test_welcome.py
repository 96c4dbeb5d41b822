"""A socket outlives neither the login nor the account behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.utils import timezone

from writingapp import consumers
from writingapp.asgi import application
from writingapp.hub import hub
from writingapp.models import User, WritingSession
from writingapp.services import sessions


@pytest.fixture
def seat(owner: User, client: Client) -> tuple[WritingSession, str]:
    client.force_login(owner)
    session = sessions.start(user=owner, minutes=10, theme="", goal=None, now=timezone.now())
    return session, client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def opened(session: WritingSession, cookie: str) -> AsyncIterator[WebsocketCommunicator]:
    headers = [(b"origin", settings.SITE_ORIGINS[0].encode())]
    headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    line = WebsocketCommunicator(application, f"/ws/sessions/{session.pk}/", headers)
    assert (await line.connect())[0]
    assert orjson.loads(await line.receive_from(timeout=5))["type"] == "hello"
    yield line
    await line.disconnect()
    await hub().close()
    await sync_to_async(connections.close_all)()  # of the thread that Django's own coroutines use


async def forget_login() -> None:
    await Session.objects.all().adelete()


async def disable_account() -> None:
    await User.objects.all().aupdate(is_active=False)


async def change_password() -> None:
    user = await User.objects.aget()
    user.set_password("另一个晨露未晞")
    await sync_to_async(user.save)()


@pytest.mark.parametrize("end", [forget_login, disable_account, change_password])
async def test_a_message_after_the_login_ended_is_not_answered(
    seat: tuple[WritingSession, str], end: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LOGIN_CHECKED_EVERY", 0.0)
    async with opened(*seat) as line:
        await line.send_to(text_data='{"type": "ping", "t": 1}')
        assert orjson.loads(await line.receive_from(timeout=5))["type"] == "pong"
        await end()
        await line.send_to(text_data='{"type": "ping", "t": 2}')
        assert await line.receive_output(timeout=5) == {"type": "websocket.close", "code": consumers.NO_LOGIN}
        assert await line.receive_nothing()
