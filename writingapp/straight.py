"""A short message of Daphne's leaves on the spot: one header, one call of the system.

Autobahn, which speaks WebSocket for Daphne, asks of every message whether it is to be squeezed, cut, masked or logged.
Twisted then waits until the socket says that it may be written, which it nearly always may. That was a third of what a
frame costs the web process. What is not plain still goes that way, and so does what the system does not take at once.

Daphne waits for nobody: what a socket does not read is kept for it here, up to a limit at which it is closed.
"""

import struct
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.tcp import Connection

TINY, SHORT = 125, 0xFFFF  # bytes of a payload; RFC 6455, section 5.2: the length in one byte, or in two more
MOST_UNSENT = 8 * 1024 * 1024  # bytes that wait for one socket
TOO_SLOW = 1013
TEXT, BINARY = 0x81, 0x82  # the first byte of a message that is one frame


class StraightProtocol(WebSocketProtocol):  # type: ignore[misc]
    """Daphne's, with a short way out."""

    __hash__, __eq__ = object.__hash__, object.__eq__  # what Daphne says in Python, twice a message

    def sendMessage(self, payload: bytes, isBinary: bool = False, *more: Any, **named: Any) -> None:  # noqa: FBT001, FBT002
        """Autobahn's own call, and its answer is the same. Raises Disconnected when the socket is not open."""
        if more or named or not self._plain(len(payload)):
            super().sendMessage(payload, isBinary, *more, **named)
            self._close_if_too_slow()
            return
        frame = header(BINARY if isBinary else TEXT, len(payload)) + payload
        stats = self.trafficStats
        stats.outgoingWebSocketMessages += 1
        stats.outgoingWebSocketFrames += 1
        stats.outgoingOctetsAppLevel += len(payload)
        stats.outgoingOctetsWebSocketLevel += len(payload)
        stats.outgoingOctetsWireLevel += len(frame)
        if not write(self.transport, frame):
            self._close_if_too_slow()

    def _close_if_too_slow(self) -> None:
        if unsent(self.transport) > MOST_UNSENT:
            self.serverClose(TOO_SLOW)

    def serverSend(self, content: Any, binary: bool = False) -> None:  # noqa: FBT001, FBT002
        """Daphne's own call; once it closes nobody listens, and that is no error of whoever says something."""
        if self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
            super().serverSend(content, binary)

    def serverClose(self, code: int | None = None) -> None:
        """Daphne's own call. Autobahn's `sendClose` behind it refuses 1008, 1012 and 1013, which are ours to say."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def _plain(self, length: int) -> bool:
        """The socket is open, nothing waits before this message, and it goes out whole and as it is."""
        return (
            self.state == self.STATE_OPEN
            and length <= SHORT
            and not self.send_queue
            and not 0 < self.maxMessagePayloadSize < length
            and not (self.autoFragmentSize or self._perMessageCompress or self.maskServerFrames)
            and not (self.logFrames or self.logOctets or self.trackedTimings)
        )


def header(first: int, length: int) -> bytes:
    return bytes((first, length)) if length <= TINY else struct.pack("!BBH", first, 126, length)


def write(transport: Any, data: bytes) -> bool:
    """What the system takes, at once; the rest waits in Twisted, which also finds out what is wrong with a socket.

    Answers whether nothing had to wait.
    """
    if isinstance(transport, Connection) and idle(transport):
        taken = transport.writeSomeData(data)
        data = data[taken:] if isinstance(taken, int) else data
    if data:
        transport.write(data)
    return not data


def unsent(transport: Any) -> int:
    """Bytes that wait."""
    if not isinstance(transport, Connection):
        return 0
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def idle(transport: Connection) -> bool:
    """Connected, in clear, and nothing of an earlier message waits. The names are Twisted's own; a test holds them."""
    return bool(transport.connected and not (transport.TLS or transport.dataBuffer or transport._tempDataBuffer))


def go_straight() -> None:
    """From now on, wherever Daphne runs in this process."""
    WebSocketFactory.protocol = StraightProtocol
