"""A short way out says what the long one says, byte for byte, and never overtakes what waits before it."""

import json
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from autobahn.exception import Disconnected, PayloadExceededError
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor, StringTransport

import writingapp.asgi  # noqa: F401 - as Daphne loads it
from tests.client import Writer
from tests.client import socket as open_socket
from tests.house import House
from writingapp import straight
from writingapp.straight import SHORT, TINY, StraightProtocol, unsent, write


def protocol(made: type[WebSocketProtocol], **changed: Any) -> tuple[WebSocketProtocol, Any]:
    """A socket that is open, with nobody at the other end."""
    one = made()
    one.factory = WebSocketFactory(SimpleNamespace())
    one.transport = StringTransport()  # type: ignore[no-untyped-call]
    one._connectionMade()
    one.state = WebSocketProtocol.STATE_OPEN
    for name, value in changed.items():
        setattr(one, name, value)
    return one, one.transport


def said(made: type[WebSocketProtocol], calls: list[dict[str, Any]], **changed: Any) -> tuple[bytes, Any]:
    """What leaves, and what the protocol counted."""
    one, transport = protocol(made, **changed)
    for call in calls:
        one.sendMessage(**call)
    return transport.value(), one.trafficStats.__json__()


# --- the same bytes --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("length", [0, 1, TINY, TINY + 1, 4000, SHORT, SHORT + 1])
def test_it_says_and_counts_what_autobahn_does(length: int, binary: bool) -> None:
    calls = [{"payload": b"x" * length, "isBinary": binary}, {"payload": b"after it", "isBinary": binary}]
    assert said(StraightProtocol, calls) == said(WebSocketProtocol, calls)


@pytest.mark.parametrize(
    "changed", [{"autoFragmentSize": 3}, {"logFrames": True}, {"logOctets": True}, {"maxMessagePayloadSize": 8}]
)
def test_what_is_not_plain_goes_the_old_way(changed: dict[str, Any]) -> None:
    calls = [{"payload": b"12345678", "isBinary": False}]
    assert said(StraightProtocol, calls, **changed) == said(WebSocketProtocol, calls, **changed)


def test_a_message_cut_into_pieces_goes_the_old_way() -> None:
    calls = [{"payload": b"12345678", "isBinary": False, "fragmentSize": 3}]
    assert said(StraightProtocol, calls) == said(WebSocketProtocol, calls)


@pytest.mark.parametrize("made", [StraightProtocol, WebSocketProtocol])
def test_what_is_longer_than_a_message_may_be_is_refused(made: type[WebSocketProtocol]) -> None:
    one, transport = protocol(made, maxMessagePayloadSize=8)
    with pytest.raises(PayloadExceededError):
        one.sendMessage(b"123456789", False)
    assert transport.value() == b""


@pytest.mark.parametrize("state", [WebSocketProtocol.STATE_CLOSING, WebSocketProtocol.STATE_CLOSED])
def test_nothing_is_said_once_it_closes(state: int) -> None:
    one, transport = protocol(StraightProtocol, state=state)
    with pytest.raises(Disconnected):
        one.sendMessage(b"too late", False)
    assert transport.value() == b""


# --- on a real socket ------------------------------------------------------------------------------------------------
Ends = tuple[Any, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The house's end of a connection, whose buffers are small, and the browser's."""
    here, there = socket.socketpair()
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    here.setblocking(False)
    there.settimeout(5)
    reactor: Any = MemoryReactor()  # type: ignore[no-untyped-call]
    connection: Any = Connection(here, StraightProtocol(), reactor)
    connection.connected = True
    yield connection, there
    here.close()
    there.close()


def waits(here: Any) -> bool:
    return here in here.reactor.getWriters()


def test_it_leaves_at_once(ends: Ends) -> None:
    here, there = ends
    write(here, b"frame")
    assert not waits(here)
    assert there.recv(100) == b"frame"


def test_what_the_system_does_not_take_waits_and_is_not_overtaken(ends: Ends) -> None:
    here, there = ends
    frames = [bytes([number]) * 3000 for number in range(30)]
    for frame in frames[:29]:
        write(here, frame)
    assert waits(here)
    heard = there.recv(30_000)  # now the system would take something again, but what waits comes first
    write(here, frames[29])
    while len(heard) < 90_000:
        here.doWrite()
        heard += there.recv(65536)
    assert heard == b"".join(frames)
    assert not waits(here)
    write(here, b"again at once")
    assert there.recv(100) == b"again at once"


def test_a_broken_connection_is_left_to_twisted(ends: Ends) -> None:
    here, there = ends
    there.close()
    write(here, b"into the void")
    assert waits(here)
    assert here.doWrite() is CONNECTION_LOST


def test_nothing_is_written_to_a_connection_that_is_gone(ends: Ends) -> None:
    here, there = ends
    here.connected = False
    write(here, b"nobody")
    assert not waits(here)
    there.setblocking(False)
    with pytest.raises(BlockingIOError):
        there.recv(100)


@pytest.mark.parametrize("long", [False, True])
def test_who_reads_nothing_is_closed_before_much_waits(ends: Ends, monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    monkeypatch.setattr(straight, "MOST_UNSENT", 1_000_000)
    here, there = ends
    one, _ = protocol(StraightProtocol)
    one.transport, one.client_addr = here, None
    said = b"x" * (SHORT + 1 if long else 3000)
    for _ in range(1000):
        one.serverSend(said.decode())
        assert unsent(here) <= 1_000_000 + len(said) + 100
    assert (one.state, one.localCloseCode) == (StraightProtocol.STATE_CLOSING, 1013)
    heard = b""
    while unsent(here):
        here.doWrite()
        heard += there.recv(65536)
    assert heard.endswith(b"\x88\x02" + (1013).to_bytes(2))  # after all that was said before


@pytest.mark.parametrize("code", [None, 1000, 1008, 1012, 1013, 4401])
def test_every_code_of_ours_can_be_said(code: int | None) -> None:
    one, transport = protocol(StraightProtocol)
    one.serverClose(code)
    assert transport.value() == b"\x88\x02" + (code or 1000).to_bytes(2)


# --- in the house ----------------------------------------------------------------------------------------------------
def test_daphne_makes_such_sockets() -> None:
    assert WebSocketFactory.protocol is StraightProtocol


async def test_one_who_reads_late_hears_all_in_order_and_is_told_goodbye(the_house: House) -> None:
    """Long answers fill every buffer on the way; the short ones after them wait their turn."""
    ((cookie, session_id),) = the_house.sit_down("late reader")
    asks: list[str] = []
    async with open_socket(Writer(the_house, cookie), session_id) as one:
        await one.recv()
        await one.send(json.dumps({"type": "save", "save_id": SAVE, "base_rev": 0, "text": "晨" * 200_000}))
        assert json.loads(await one.recv())["type"] == "saved"
        one.transport.pause_reading()
        for number in range(12):
            stale = {"type": "save", "save_id": SAVE[:-2] + f"{number:02}", "base_rev": 0, "text": str(number)}
            for said in (stale, {"type": "ping", "t": number}):
                await one.send(json.dumps(said))
        one.transport.resume_reading()
        while len(asks) < 24:
            told = json.loads(await one.recv())
            asks.append(told["save_id"] if told["type"] == "conflict" else told["t"])
    assert asks == [what for number in range(12) for what in (SAVE[:-2] + f"{number:02}", number)]
    assert one.close_code == 1000


SAVE = "00000000-0000-4000-8000-000000000099"
