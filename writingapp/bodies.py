"""No request body is longer than a picture may be, and none of them is ever laid on disk.

Daphne's HTTP server writes every body of 100 kB and more into a temporary file, and Django spools what is longer than
FILE_UPLOAD_MAX_MEMORY_SIZE. A stranger's picture must not lie there, GPS and all, for however short a time. A proxy in
front has a buffer of its own, which docs/photos.md speaks of.
"""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from twisted.web import http

MOST = 12 * 1024 * 1024 + 64 * 1024  # bytes: a picture, and what a form may put around it

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class TooLong(Exception):
    """More came than was said, or than may come."""


class InMemory(BytesIO):
    """A body that refuses to grow beyond the longest."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > MOST:
            raise TooLong
        return super().write(data)


def keep_in_memory() -> None:
    """From now on, wherever Daphne runs in this process. The name is Twisted's own; a test sees that it still works."""
    http._getContentFile = lambda _length: InMemory()


class Bounded:
    """An application that hears no body longer than MOST: 413, and the rest is not read."""

    def __init__(self, application: Any) -> None:
        self._application: Application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if _announced(scope) > MOST:
            return await _refuse(send)
        heard = 0

        async def bounded() -> dict[str, Any]:
            nonlocal heard
            message = await receive()
            heard += len(message.get("body", b""))
            if heard > MOST:
                raise TooLong
            return message

        try:
            await self._application(scope, bounded, send)
        except TooLong:
            await _refuse(send)


def _announced(scope: dict[str, Any]) -> int:
    said = dict(scope.get("headers") or ()).get(b"content-length", b"0")
    return int(said) if said.isdigit() else 0


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
