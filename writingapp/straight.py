"""A short message of Daphne's leaves on the spot: one header, one call of the system.

Autobahn, which speaks WebSocket for Daphne, asks of every message whether it is to be squeezed, cut, masked or logged.
Twisted then waits until the socket says that it may be written, which it nearly always may. That was a third of what a
frame costs the web process. What is not plain still goes that way, and so does what the system does not take at once.
"""

import struct
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.tcp import Connection

TINY, SHORT = 125, 0xFFFF  # bytes of a payload; RFC 6455, section 5.2: the length in one byte, or in two more
TEXT, BINARY = 0x81, 0x82  # the first byte of a message that is one frame


class StraightProtocol(WebSocketProtocol):  # type: ignore[misc]
    """Daphne's, with a short way out."""

    def sendMessage(self, payload: bytes, isBinary: bool = False, *more: Any, **named: Any) -> None:  # noqa: FBT001, FBT002
        """Autobahn's own call, and its answer is the same. Raises Disconnected when the socket is not open."""
        if more or named or not self._plain(len(payload)):
            super().sendMessage(payload, isBinary, *more, **named)
            return
        frame = header(BINARY if isBinary else TEXT, len(payload)) + payload
        stats = self.trafficStats
        stats.outgoingWebSocketMessages += 1
        stats.outgoingWebSocketFrames += 1
        stats.outgoingOctetsAppLevel += len(payload)
        stats.outgoingOctetsWebSocketLevel += len(payload)
        stats.outgoingOctetsWireLevel += len(frame)
        write(self.transport, frame)

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


def write(transport: Any, data: bytes) -> None:
    """What the system takes, at once; the rest waits in Twisted, which also finds out what is wrong with a socket."""
    if isinstance(transport, Connection) and idle(transport):
        taken = transport.writeSomeData(data)
        data = data[taken:] if isinstance(taken, int) else data
    if data:
        transport.write(data)


def idle(transport: Connection) -> bool:
    """Connected, in clear, and nothing of an earlier message waits. The names are Twisted's own; a test holds them."""
    return bool(transport.connected and not (transport.TLS or transport.dataBuffer or transport._tempDataBuffer))


def go_straight() -> None:
    """From now on, wherever Daphne runs in this process."""
    WebSocketFactory.protocol = StraightProtocol
