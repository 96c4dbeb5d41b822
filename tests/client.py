"""A writer's browser without the browser: HTTP with her cookies, and a socket that checks what it hears."""

import asyncio
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.house import House
from tests.writingapp.page import TERMINAL, Message, Page, Shown

WAIT = 60.0  # seconds for anything that should come


@dataclass(frozen=True)
class Writer:
    """Somebody who is logged in, or nobody when the cookie is empty."""

    house: House
    cookie: str

    def request(self, method: str, path: str, body: Message | None = None, csrf: bool = True) -> tuple[int, Any]:
        """Answers status and JSON, or text where it is none; redirects are not followed."""
        headers = {"Cookie": f"session={self.cookie}; csrftoken={CSRF}; csrf={CSRF}", "Origin": self.house.url}
        headers |= {"Content-Type": "application/json"} | ({"X-CSRFToken": CSRF} if csrf else {})
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.house.url}{path}", data, headers, method=method)
        try:
            with _opener.open(asked, timeout=WAIT) as answer:
                return answer.status, _read(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, _read(refusal.read())


CSRF = "a" * 32


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


class Tab:
    """One open session page."""

    def __init__(self, socket: ClientConnection, page: Page | None = None) -> None:
        self.socket = socket
        self.page = page or Page()

    async def send(self, kind: str, /, **message: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **message}, ensure_ascii=False))  # as browsers write it

    async def hear(self) -> Message:
        """The next message, applied to the page; a gap is asked for as the page does."""
        message: Message = json.loads(await asyncio.wait_for(self.socket.recv(), WAIT))
        self.page.hear(message)
        for candidate in self.page.gaps:
            shown = self.page.shown[candidate]
            await self.send("attach", candidate=candidate, attempt=shown.attempt, seq=len(shown.text))
        self.page.gaps.clear()
        return message

    async def expect(self, kind: str) -> Message:
        """The next message of a kind; others are applied on the way."""
        while True:
            message = await self.hear()
            if message["type"] == kind:
                return message

    async def until(self, true: Callable[[Page], bool]) -> None:
        while not true(self.page):
            await self.hear()

    async def inspire(self, **changes: Any) -> Message:
        """Ask, and answer the queued inspiration."""
        asked = {"kind": "poem", "form": "free", "wish": "湖", "candidates": 1} | changes
        await self.send("inspire", key=str(uuid.uuid4()), **asked)
        return dict((await self.expect("queued"))["inspiration"])

    async def ended(self, candidate: str) -> Shown:
        await self.until(lambda page: page.shown[candidate].status in TERMINAL)
        return self.page.shown[candidate]


@asynccontextmanager
async def tab(writer: Writer, session_id: str, origin: str | None = "", language: str = "") -> AsyncIterator[Tab]:
    """An open tab that has heard its hello."""
    async with socket(writer, session_id, origin, language) as opened:
        one = Tab(opened)
        await one.expect("hello")
        yield one


def socket(writer: Writer, session_id: str, origin: str | None = "", language: str = "") -> connect:
    """The bare socket; `origin` None sends none, empty the house's own; `language` is what the page says it is in."""
    return connect(
        f"ws://127.0.0.1:{writer.house.web_port}/ws/sessions/{session_id}/{language and f'?language={language}'}",
        additional_headers={"Cookie": f"session={writer.cookie}"},
        origin=writer.house.url if origin == "" else origin,  # type: ignore[arg-type]
        max_size=8 * 1024 * 1024,
    )
