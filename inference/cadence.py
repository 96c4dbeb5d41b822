"""Many answers read in step: from its first characters on, what an engine says waits for company in the system.

To wake for a token, to read it, to look at its HTTP and JSON and to send it on in a frame costs the same as for those
of a twentieth of a second together, so it is done once for all of them. The more texts there are, the longer each
waits. Each waits by itself: if all were read in one moment, the last would queue behind all others in every process.

The system does it (SO_RCVLOWAT): a connection counts as readable once much has come, or its other end has closed; so an
end is heard at once. Where there is no such thing every token is read as it comes.
"""

import asyncio
import socket
import sys

import aiohttp

SHORTEST, PER_TEXT, LONGEST = 0.010, 0.001, 0.100  # seconds that a connection rests between two reads
STEP, EARLY = 0.010, 0.001  # seconds between two looks at least, and that one may be read before its turn
MUCH, ANY = 1 << 16, 1  # bytes
ABLE = sys.platform == "linux"  # others have the option, and do not say that they look again when it is changed


class Connector(aiohttp.TCPConnector):
    """The event streams of a session that has it are read in step."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)
        self.cadence = Cadence()


class Cadence:
    """Whose turn it is, among the connections of one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._resting: dict[Line, float] = {}  # since when, by the loop's clock; who rests longest stands first
        self._next: asyncio.TimerHandle | None = None
        self.lines = 0

    def rest(self, line: "Line") -> None:
        self.forget(line)  # who was read out of turn would keep an old place with a new time
        self._resting[line] = self._loop.time()
        if self._next is None:
            self._next = self._loop.call_later(self._patience(), self._look)

    def forget(self, line: "Line") -> None:
        self._resting.pop(line, None)

    def _patience(self) -> float:
        return min(LONGEST, SHORTEST + PER_TEXT * self.lines)

    def _look(self) -> None:
        now, patience = self._loop.time(), self._patience()
        for line, since in list(self._resting.items()):
            if since + patience > now + EARLY:
                self._next = self._loop.call_later(max(STEP, since + patience - now), self._look)
                return
            del self._resting[line]
            line.wake()
        self._next = None


class Line:
    """A connection that is read in its turn."""

    def __init__(self, cadence: Cadence, transport: asyncio.Transport, held: socket.socket) -> None:
        self._cadence, self._transport, self._socket = cadence, transport, held
        cadence.lines += 1

    def rest(self) -> None:
        """All that had come was read."""
        self._is_readable_with(MUCH)
        self._cadence.rest(self)

    def wake(self) -> None:
        self._is_readable_with(ANY)

    def _is_readable_with(self, least: int) -> None:
        if not self._transport.is_closing():  # else its number may be another's
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)

    def leave(self) -> None:
        """Nobody reads it any more."""
        self._cadence.lines -= 1
        self._cadence.forget(self)


def join(http: aiohttp.ClientSession, response: aiohttp.ClientResponse) -> Line | None:
    """Read this answer in step from here on; None where that cannot be, is not asked for, or all has come already."""
    transport = response.connection.transport if response.connection else None
    if not ABLE or transport is None or not isinstance(http.connector, Connector):
        return None
    line = Line(http.connector.cadence, transport, transport.get_extra_info("socket"))
    try:
        line.wake()
    except OSError:  # a system that has heard of the option and no more
        line.leave()
        return None
    return line
