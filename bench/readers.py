"""Open tabs that cost next to nothing: the cores belong to the house that is measured, not to its thousand readers.

A client library spends more on a frame than the whole house does. A reader speaks just enough WebSocket (RFC 6455) to
ask for one text and hear it to its end; a text of such a length is never acknowledged by a page, nor here.
"""

import asyncio
import random
import time
import uuid
from typing import Any

import orjson

from bench.direct import CONTINUE, Heard
from bench.travel import Travel
from tests.client import WAIT
from tests.house import House

ASKED = {"type": "inspire", "kind": "continue", "before": CONTINUE.before, "form": "", "wish": "湖", "candidates": 1}
TEXT, PING, PONG = 0x81, 0x89, 0x8A  # whole messages, as Daphne sends them
MASKED = 0x80  # a client's messages are; by four zeros, which change nothing


class Reader(asyncio.Protocol):
    """One tab. Whatever goes wrong on its socket is raised where it is waited for."""

    def __init__(self, house: House, cookie: str, session_id: str) -> None:
        self._house, self._cookie, self._session = house, cookie, session_id
        self._unread = b""
        self._upgraded = False
        self._waited: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._travel: Travel | None = None
        self._candidate, self._first = "", 0.0

    async def sit_down(self) -> None:
        """Open the socket and hear the hello."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._house.web_port)
        head = [
            f"GET /ws/sessions/{self._session}/ HTTP/1.1",
            f"Host: 127.0.0.1:{self._house.web_port}",
            f"Origin: {self._house.url}",
            f"Cookie: session={self._cookie}",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        self._transport.write("\r\n".join([*head, "\r\n"]).encode())
        await self._wait()

    def get_up(self) -> None:
        self._waited.cancel()  # nobody waits for what comes of it
        self._transport.abort()

    async def stream(self, travel: Travel | None = None) -> Heard:
        """Ask once and hear it to its end."""
        self._travel, self._candidate, self._first = travel, "", 0.0
        began = time.perf_counter()
        self._say(TEXT, orjson.dumps(ASKED | {"key": str(uuid.uuid4())}))
        text = (await self._wait())["text"]
        return Heard(self._first - began, time.perf_counter() - began, len(text), text)

    async def _wait(self) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._waited, WAIT)
        finally:
            self._waited = asyncio.get_running_loop().create_future()

    # --- the socket --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._waited.done():
            self._waited.set_exception(exc or ConnectionResetError("the socket was closed"))

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._upgraded:
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            self._upgraded, self._unread = True, rest
        while (found := split(self._unread)) is not None:
            first, body, self._unread = found
            if first == TEXT:
                self._hear(orjson.loads(body))
            elif first == PING:
                self._say(PONG, body)
            else:
                self._transport.close()

    def _say(self, first: int, body: bytes) -> None:
        head = bytes((first, MASKED | min(126, len(body)))) + (b"" if len(body) < 126 else len(body).to_bytes(2, "big"))
        self._transport.write(head + b"\0\0\0\0" + body)

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "frame":
            self._first = self._first or time.perf_counter()
            if self._travel is not None:
                self._travel.arrived(message["candidate"], message["seq"])
        elif kind == "queued":
            self._candidate = message["inspiration"]["candidates"][0]["id"]
        elif kind == "hello" or (kind == "end" and message["candidate"] == self._candidate):
            self._waited.set_result(message)
        elif kind in {"busy", "invalid", "error"}:
            self._waited.set_exception(AssertionError(message))


def split(unread: bytes) -> tuple[int, bytes, bytes] | None:
    """The first byte of a whole message, its body, and what comes after it; None while it is not all there."""
    if len(unread) < 2:
        return None
    begin, size = 2, unread[1]
    if size >= 126:
        begin = 4 if size == 126 else 10
        if len(unread) < begin:
            return None
        size = int.from_bytes(unread[2:begin], "big")
    end = begin + size
    return (unread[0], unread[begin:end], unread[end:]) if len(unread) >= end else None


class Readers:
    """So many writers, each with an open tab."""

    def __init__(self, house: House, many: int) -> None:
        made = house.sit_down(*(f"bench-{time.time_ns()}-{number}" for number in range(many)))
        self.sessions = [session_id for _, session_id in made]
        self._house, self._made = house, made

    async def __aenter__(self) -> "Readers":
        self._all = [Reader(self._house, *each) for each in self._made]
        for one in self._all:
            await one.sit_down()
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self._all:
            one.get_up()

    async def burst(self) -> list[Heard]:
        """All of them at the same moment."""
        return list(await asyncio.gather(*(one.stream() for one in self._all)))

    async def spread(self, seconds: float, travel: Travel) -> list[Heard]:
        """Each at a moment of her own within so many seconds, as writers do; a seeded draw."""
        dice = random.Random(1)

        async def later(one: Reader, wait: float) -> Heard:
            await asyncio.sleep(wait)
            return await one.stream(travel)

        return list(await asyncio.gather(*(later(one, dice.uniform(0, seconds)) for one in self._all)))
