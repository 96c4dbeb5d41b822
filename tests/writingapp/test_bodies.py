"""Bodies of requests: in memory, none too long, all together within bounds, none for ever on its way."""

import contextlib
import gc
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from daphne import http_protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.processes import free_port, wait_until
from writingapp import bodies


def heard(length: int | None, clock: Clock | None = None, kind: str = "") -> Any:
    """A request of Daphne's whose head has come."""
    bodies.keep_in_memory()
    line: Any = http_protocol.HTTPFactory(MagicMock()).buildProtocol(None)
    line._channel.callLater = (clock or Clock()).callLater
    line._channel.timeOut = None  # of a line that is silent: Twisted's own, and not meant here
    line.makeConnection(cast("Any", StringTransport)())
    said = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    said += f"\r\nContent-Type: {kind}" if kind else ""
    line.dataReceived(f"POST / HTTP/1.1\r\nHost: a\r\n{said}\r\n\r\n".encode())
    return line._channel.requests[-1]


@pytest.fixture
def no_bodies() -> Iterator[None]:
    gc.collect()
    assert bodies.InMemory.held == 0
    yield
    gc.collect()
    assert bodies.InMemory.held == 0


@pytest.mark.usefixtures("no_bodies")
def test_no_body_is_laid_on_disk_on_its_way(settings: Any) -> None:
    request = heard(bodies.MOST)
    assert type(request.content) is bodies.InMemory
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE > bodies.MOST
    with pytest.raises(bodies.TooLong):
        request.content.write(b"\0" * (bodies.MOST + 1))
    request.connectionLost(None)


def answer(request: Any) -> bytes:
    return bytes(request.channel.transport.value().partition(b"\r\n")[0])


@pytest.mark.usefixtures("no_bodies")
def test_a_body_that_is_too_long_is_answered_before_it_is_heard() -> None:
    said, grown = heard(bodies.MOST + 1), heard(None)
    grown.handleContentChunk(b"\0" * bodies.MOST)
    assert not answer(grown)
    grown.handleContentChunk(b"\0")
    for request in (said, grown):
        assert answer(request) == b"HTTP/1.1 413 Content Too Large"
        assert request.channel.transport.disconnecting
        request.handleContentChunk(b"\0")  # what was on its way
        request.requestReceived(b"POST", b"/", b"HTTP/1.1")


@pytest.mark.usefixtures("no_bodies")
def test_all_long_bodies_together_have_an_end_and_short_ones_always_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_HELD", 300_000)
    slow = [heard(None) for _ in range(4)]
    for request in slow:
        request.handleContentChunk(b"\0" * 100_000)
    assert [answer(request) for request in slow] == [b"", b"", b"", b"HTTP/1.1 503 Service Unavailable"]
    assert bodies.InMemory.held == 300_000
    short = heard(bodies.SHORT)
    short.handleContentChunk(b"\0" * bodies.SHORT)
    assert not answer(short)
    slow[0].connectionLost(None)
    again = heard(None)
    again.handleContentChunk(b"\0" * 100_000)
    assert not answer(again)
    for request in (*slow[1:3], short, again):
        request.connectionLost(None)


@pytest.mark.usefixtures("no_bodies")
def test_a_body_that_nobody_holds_is_not_counted() -> None:
    bodies.InMemory().write(b"\0" * 100_000)


FORM = b"one=%41&two=2"
PARTS = b'--cut\r\nContent-Disposition: form-data; name="one"\r\n\r\nA\r\n--cut--\r\n'


@pytest.mark.usefixtures("no_bodies")
@pytest.mark.parametrize(
    ("kind", "body"), [("application/x-www-form-urlencoded", FORM), ("multipart/form-data; boundary=cut", PARTS)]
)
def test_a_form_is_not_read_on_the_event_loop(monkeypatch: pytest.MonkeyPatch, kind: str, body: bytes) -> None:
    told: list[tuple[Any, bytes]] = []
    monkeypatch.setattr(http_protocol.WebRequest, "process", lambda it: told.append((it.args, it.content.read())))
    request = heard(len(body), kind=kind)
    request.channel.dataReceived(body)
    assert told == [({}, body)]
    request.connectionLost(None)


@pytest.mark.usefixtures("no_bodies")
def test_a_body_has_so_long_to_come() -> None:
    clock = Clock()
    crawling, there = heard(100, clock), heard(100, clock)
    there._in_time()
    clock.advance(bodies.WITHIN + 1)
    assert answer(crawling) == b"HTTP/1.1 408 Request Timeout"
    assert not answer(there)
    assert not clock.getDelayedCalls()
    there.connectionLost(None)


SERVER = """
import sys
from daphne.server import Server
from writingapp import bodies

async def counting(scope, receive, send):
    heard, more = 0, True
    while more:
        message = await receive()
        heard, more = heard + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(heard).encode()})

bodies.MOST_HELD = int(sys.argv[2])
bodies.keep_in_memory()
Server(bodies.Bounded(counting), endpoints=[f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], signal_handlers=False).run()
"""


@contextlib.contextmanager
def served(held: int) -> Iterator[int]:
    """A Daphne that holds so many bytes of long bodies."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", SERVER, str(port), str(held)]) as server:
        try:
            wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), within=30, what="the server")
            yield port
        finally:
            server.kill()


REST = b"\0" * 100  # of a body that is longer than short with it


@pytest.mark.parametrize(
    ("said", "first", "rest", "status"),
    [
        (f"Content-Length: {bodies.MOST + 1}", b"", b"\0" * (bodies.MOST + 1), 413),
        (f"Content-Length: {bodies.SHORT + 100}", b"\0" * bodies.SHORT, REST, 503),
        ("Transfer-Encoding: chunked", b"10064\r\n" + b"\0" * bodies.SHORT, REST + b"\r\n0\r\n\r\n", 503),
    ],
    ids=["too long", "no room", "no room in pieces"],
)
def test_a_refused_body_that_comes_to_its_end_is_answered(said: str, first: bytes, rest: bytes, status: int) -> None:
    """What finds no room comes in the same breath as the end."""
    with served(0) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(f"POST / HTTP/1.1\r\nHost: a\r\n{said}\r\n\r\n".encode() + first)
        with contextlib.suppress(ConnectionError):
            line.sendall(rest)
        assert line.recv(999).startswith(b"HTTP/1.1 %d " % status)


def begun(port: int, length: int, sent: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode() + b"\0" * sent)
    return line


def answered(lines: list[socket.socket]) -> list[socket.socket]:
    return select.select(lines, [], [], 0)[0]


def test_slow_lines_do_not_fill_the_memory_of_a_real_server() -> None:
    with served(1_000_000) as port, contextlib.ExitStack() as lines:
        slow = [lines.enter_context(begun(port, 400_000, 300_000)) for _ in range(6)]
        wait_until(lambda: len(answered(slow)) == 3, within=20, what="what finds no room")
        refused = answered(slow)
        assert all(line.recv(99).startswith(b"HTTP/1.1 503 ") for line in refused)
        short = lines.enter_context(begun(port, 60_000, 60_000))
        assert short.recv(999).startswith(b"HTTP/1.1 200 ")
        waiting = [line for line in slow if line not in refused]
        waiting[0].sendall(b"\0" * 100_000)
        assert waiting[0].recv(999).count(b"400000") == 1
        lines.close()
        with begun(port, 900_000, 900_000) as line:  # all others are gone, and with them what they held
            assert line.recv(999).startswith(b"HTTP/1.1 200 ")
