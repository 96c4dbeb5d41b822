"""Answers read in step: the same texts in fewer reads, each in its own turn, and no end later for it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import aiohttp
import orjson
import pytest
import uvloop

from inference import cadence, sse
from inference.cadence import ABLE, EARLY, LONGEST, MUCH, PER_TEXT, Cadence, Connector, Line
from inference.errors import EngineError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
NEVER = 3600.0  # seconds of patience: whoever is read was not woken by the clock

Said = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
Run = Callable[[Coroutine[Any, Any, None]], None]

both_loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
linux = pytest.mark.skipif(not ABLE, reason="NOT LINUX: elsewhere nothing is read in step, and nothing is to be tested")


@pytest.fixture
def no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's turn comes."""
    monkeypatch.setattr(cadence, "SHORTEST", NEVER)
    monkeypatch.setattr(cadence, "LONGEST", NEVER)


def event(text: str) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"


@asynccontextmanager
async def engine(said: Said) -> AsyncIterator[str]:
    """A server that says this to everybody and closes; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        await said(writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def heard(connector: aiohttp.TCPConnector, said: Said, limits: sse.Limits | None = None) -> list[str]:
    async with (
        engine(said) as url,
        aiohttp.ClientSession(connector=connector) as http,
        aclosing(sse.stream(http, url, {}, limits=limits)) as pieces,
    ):
        return [piece.text async for piece in pieces if piece.text]


@linux
@both_loops
@pytest.mark.usefixtures("no_turn")
def test_many_tokens_are_read_at_once_and_the_first_by_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    feed, reads = sse.Reader.feed, list[int]()

    def counting(reader: sse.Reader, data: bytes) -> list[sse.Piece]:
        pieces = feed(reader, data)
        reads.append(len(pieces))
        return pieces

    monkeypatch.setattr(sse.Reader, "feed", counting)
    words = [f"{number}," for number in range(60)]

    async def say(writer: asyncio.StreamWriter) -> None:
        for word in words:
            writer.write(event(word))
            await asyncio.sleep(0.005)
        writer.write(STOP)

    async def test() -> None:
        assert await heard(Connector(4), say) == words
        assert reads[0] == 1
        assert len(reads) < 5
        reads.clear()
        assert await heard(aiohttp.TCPConnector(), say) == words
        assert len(reads) > 40

    run(test())


@linux
@both_loops
@pytest.mark.usefixtures("no_turn")
def test_who_has_its_end_is_read_out_of_turn(run: Run) -> None:

    async def say(writer: asyncio.StreamWriter) -> None:
        for word in "白露未晞":
            writer.write(event(word))
            await asyncio.sleep(0.02)
        writer.write(STOP)

    async def test() -> None:
        assert "".join(await heard(Connector(4), say)) == "白露未晞"

    run(test())


@linux
@both_loops
@pytest.mark.usefixtures("no_turn")
def test_who_has_much_is_read_out_of_turn(run: Run) -> None:
    much = "露" * MUCH

    async def test() -> None:
        read = asyncio.Event()

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(event("白"))
            await asyncio.sleep(0.05)
            writer.write(event(much))
            await read.wait()  # the connection stays open: it is not its end that is heard

        async with engine(say) as url, aiohttp.ClientSession(connector=Connector(4)) as http:
            async with aclosing(sse.stream(http, url, {})) as pieces:
                assert (await anext(pieces)).text == "白"
                assert (await anext(pieces)).text == much
            read.set()

    run(test())


@linux
@both_loops
@pytest.mark.usefixtures("no_turn")
def test_silence_is_found_though_nobody_reads(run: Run) -> None:

    async def test() -> None:
        over = asyncio.Event()

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(event("白"))
            await over.wait()

        with pytest.raises(EngineError, match="silent"):
            await heard(Connector(4), say, sse.Limits(between=0.1))
        over.set()

    run(test())


@linux
@both_loops
def test_who_leaves_is_forgotten(run: Run) -> None:
    async def test() -> None:
        over, connector = asyncio.Event(), Connector(4)

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(event("白"))
            await asyncio.sleep(0.05)
            writer.write(event("露"))
            await over.wait()

        async with engine(say) as url, aiohttp.ClientSession(connector=connector) as http:
            async with aclosing(sse.stream(http, url, {})) as pieces:
                await anext(pieces)
                await anext(pieces)
                assert connector.cadence.lines == 1
            assert connector.cadence.lines == 0
            assert not connector.cadence._resting
            over.set()

    run(test())


@both_loops
def test_where_the_system_cannot_keep_it_each_token_is_read_as_it_comes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cadence, "ABLE", True)
    monkeypatch.setattr(socket, "SO_RCVLOWAT", 9_999)  # no option of anybody's

    async def test() -> None:
        over, connector = asyncio.Event(), Connector(4)

        async def say(writer: asyncio.StreamWriter) -> None:
            for word in "白露":
                writer.write(event(word))
                await asyncio.sleep(0.02)
            await over.wait()

        async with engine(say) as url, aiohttp.ClientSession(connector=connector) as http:
            async with aclosing(sse.stream(http, url, {})) as pieces:
                assert [(await anext(pieces)).text for _ in range(2)] == ["白", "露"]
                assert connector.cadence.lines == 0
            over.set()

    run(test())


async def test_who_was_read_out_of_turn_rests_behind_all_others() -> None:
    together, lines = Cadence(), [cast("Line", object()) for _ in range(3)]
    for line in (*lines, lines[0]):
        together.rest(line)
    assert list(together._resting) == [lines[1], lines[2], lines[0]]
    assert together._next
    together._next.cancel()


async def test_each_rests_for_itself() -> None:
    """Not all of them until the first one's time is up: they would be read in one burst."""
    clock = asyncio.get_running_loop().time
    at, woken, all_are = dict[int, float](), dict[int, float](), asyncio.Event()

    class Noted:
        def __init__(self, number: int) -> None:
            self._number = number

        def wake(self) -> None:
            woken[self._number] = clock()
            if len(woken) == 100:
                all_are.set()

    together = Cadence()
    together.lines = round(LONGEST / PER_TEXT)
    for number in range(100):
        at[number] = clock()
        together.rest(cast("Line", Noted(number)))
        await asyncio.sleep(0.002)
    await all_are.wait()
    assert min(woken[number] - at[number] for number in at) >= LONGEST - 2 * EARLY
