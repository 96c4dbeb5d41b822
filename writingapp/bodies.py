"""No request body is longer than a picture may be, none is ever laid on disk, and all of them together have an end.

Daphne's HTTP server writes every body of 100 kB and more into a temporary file, and Django spools what is longer than
FILE_UPLOAD_MAX_MEMORY_SIZE. A stranger's picture must not lie there, GPS and all, for however short a time. A proxy in
front has a buffer of its own, which docs/photos.md speaks of.

Who sends is known only when a body is there, so that anybody may send one. What long bodies hold together is counted,
and what would be too much is answered with 503 before it is heard to the end. Short ones always come through: nobody is
kept from logging in or from writing because others send pictures.
"""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, ClassVar

from daphne import http_protocol

MOST = 12 * 1024 * 1024 + 64 * 1024  # bytes: a picture, and what a form may put around it
MOST_HELD = 24 * MOST  # bytes of long bodies at one time: more than may be opened and wait to be opened
SHORT = 64 * 1024  # bytes that are not counted
WITHIN = 300.0  # seconds for a body to come: a picture over a line of 350 kbit/s
REASONS = {408: "Request Timeout", 413: "Content Too Large", 503: "Service Unavailable"}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class TooLong(Exception):
    """More came than was said, or than may come."""


class TooMany(Exception):
    """So much is held for others that this body finds no room."""


class InMemory(BytesIO):
    """A body that refuses to grow beyond the longest, or beyond what is left for all; only ever written at its end."""

    held: ClassVar[int] = 0  # bytes of all long ones

    def __init__(self) -> None:
        super().__init__()
        self._counted = 0

    def write(self, data: Any, /) -> int:
        """Raises TooLong, TooMany; then nothing of `data` was taken."""
        length = self.tell() + len(data)
        if length > MOST:
            raise TooLong
        self._count(length if length > SHORT else 0)
        return super().write(data)

    def _count(self, length: int) -> None:
        held = InMemory.held - self._counted + length
        if length and held > MOST_HELD:
            raise TooMany
        InMemory.held, self._counted = held, length

    def close(self) -> None:
        """Also called when nobody holds it any longer."""
        self._count(0)
        super().close()


class Request(http_protocol.WebRequest):  # type: ignore[misc]
    """Daphne's, with a body in memory. One that is too much or too slow is answered at once, and the line is cut."""

    _refused = False
    _late: Any = None

    def __init__(self, *given: Any, **named: Any) -> None:
        """Twisted would read forms on the event loop, seconds for a long one, and nobody asks what it found."""
        super().__init__(*given, parsePOSTFormSubmission=False, **named)

    def gotLength(self, length: int | None) -> None:
        """Twisted's call at the end of a head; None where the body comes in pieces that say their own length."""
        self.content = InMemory()
        if (length or 0) > MOST:
            self._refuse(413)
        elif length != 0:
            self._late = self.channel.callLater(WITHIN, self._refuse, 408)

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            self.content.write(data)
        except TooLong:
            self._refuse(413)
        except TooMany:
            self._refuse(503)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole body has come, or the rest of one that was refused, whose answer is on its way."""
        self._in_time()
        if not self._refused:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:
        self._in_time()
        super().connectionLost(reason)

    def _in_time(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _refuse(self, status: int) -> None:
        self._refused = True
        self._in_time()
        self.content.close()
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        self.channel.transport.write(head.encode())
        self.channel.loseConnection()


def keep_in_memory() -> None:
    """From now on, wherever Daphne runs in this process."""
    http_protocol.WebRequest = Request


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
