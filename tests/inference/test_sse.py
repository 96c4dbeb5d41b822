"""The stream reader: the same texts however the bytes arrive, and no end that is not one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import EngineError
from inference.sse import LONGEST_LINE, Limits, Piece, Reader, refusal, storable, stream

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"completion_tokens":9,"prompt_tokens":4}}\n\n'
DONE = b"data: [DONE]\n\n"
SHAPES = [  # JSON that is no event of anybody's
    b'{"choices":[null]}', b'{"choices":7}', b'{"choices":{"text":"a"}}', b'{"choices":[{"delta":"a"}]}',
    b'{"choices":[{"text":["a"]}]}', b'{"choices":[{"finish_reason":["stop"]}]}', b'{"usage":"many"}',
    b'{"usage":{"completion_tokens":"many"}}', b'{"choices":[{"text":"a","logprobs":{"content":[{}]}}]}',
]  # fmt: skip
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def said(text: str) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"


def read(*chunks: bytes) -> list[Piece]:
    reader = Reader()
    pieces = [piece for chunk in chunks for piece in reader.feed(chunk)]
    return [*pieces, reader.end()]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


noise = st.sampled_from([b": ping\n\n", b"\n", b"event: message\n", b"id: 7\r\n", b"retry: 100\n", ROLE, USAGE])
texts = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), max_size=12)


@given(texts, st.lists(noise, max_size=6), st.lists(st.integers(0, 5000), max_size=30), st.booleans())
def test_the_same_pieces_come_out_however_the_bytes_are_cut(
    words: list[str], noises: list[bytes], at: list[int], carriage: bool
) -> None:
    events = [said(word) for word in words]
    for place, extra in enumerate(noises):
        events.insert(place * 2 % (len(events) + 1), extra)
    data = b"".join([*events, STOP, USAGE, DONE])
    if carriage:
        data = data.replace(b"\n\n", b"\r\n\r\n")
    pieces = read(*cut(data, at))
    assert [piece.text for piece in pieces] == [*map(storable, words), ""]
    assert pieces[-1].finish == "stop"
    assert sum(piece.tokens for piece in pieces) == max(9, len(words))


def test_text_before_an_error_inside_a_200_is_not_lost() -> None:
    reader = Reader()
    error = b'data: {"error":{"code":500,"message":"boom"}}\n\n'
    assert [piece.text for piece in reader.feed(said("晨") + error + said("no"))] == ["晨"]
    with pytest.raises(EngineError) as caught:
        reader.end()
    assert (caught.value.code, caught.value.retryable) == ("engine_broken", True)


def test_an_error_never_repeats_what_the_engine_said() -> None:
    reader = Reader()
    reader.feed(b'data: {"error":{"message":"her secret wish"}}\n\n')
    with pytest.raises(EngineError) as caught:
        reader.end()
    assert "secret" not in str(caught.value)


def test_an_error_about_the_context_is_called_too_long() -> None:
    reader = Reader()
    reader.feed(b'error: {"code":400,"message":"the request exceeds the available context size"}\n')
    with pytest.raises(EngineError) as caught:
        reader.end()
    assert (caught.value.code, caught.value.retryable) == ("too_long", False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        said("晨"),
        said("晨") + DONE,
        said("晨") + b'data: {"choices":[{"delta":{},"finish_reason":"abort"}]}\n\n' + DONE,
        said("晨") + b"data: {broken\n\n" + STOP,
        said("晨") + b"data: [1]\n\n" + STOP,
        *(said("晨") + b"data: " + shape + b"\n\n" + STOP for shape in SHAPES),
    ],
)
def test_a_stream_without_a_proper_end_is_broken(data: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        read(data)
    assert caught.value.code == "engine_broken"


def test_what_no_database_keeps_is_replaced_in_its_place() -> None:
    assert [piece.text for piece in read(said("湖\0上"), STOP, DONE)] == ["湖\ufffd上", ""]


def test_a_line_without_end_is_given_up() -> None:
    reader = Reader()
    reader.feed(b"data: " + b"x" * LONGEST_LINE)
    assert reader.done
    with pytest.raises(EngineError):
        reader.end()


def test_how_likely_a_text_was_is_read_where_it_is_told() -> None:
    told = b'data: {"choices":[{"delta":{"content":"\xe6\x99\xa8"},"logprobs":{"content":[{"token":"a","logprob":-1.5},'
    told += b'{"token":"b","logprob":-0.25}]}}]}\n\n'
    untold = b'data: {"choices":[{"delta":{"content":"a"},"logprobs":null}]}\n\n'
    assert [piece.logprob for piece in read(told, untold, said("b"), STOP)] == [-1.75, None, None, None]


def test_a_length_finish_is_told_apart_from_a_stop() -> None:
    assert read(said("a"), STOP.replace(b"stop", b"length"))[-1].finish == "length"


@pytest.mark.parametrize("status", [301, 307, 401, 403, 405, 407, 408, 413, 500, 502])
def test_a_status_that_speaks_of_the_node_is_worth_another_node(status: int) -> None:
    assert (refusal(status, b"").code, refusal(status, b"").retryable) == ("engine_broken", True)


@pytest.mark.parametrize("status", [400, 422])
def test_a_status_that_speaks_of_the_ask_is_final(status: int) -> None:
    assert (refusal(status, b"").code, refusal(status, b"").retryable) == ("engine_refused", False)


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def saying(*chunks: bytes, then_wait: bool = False) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then_wait:
            await asyncio.Event().wait()
        return response

    return handler


async def failure(http: aiohttp.ClientSession, handler: Handler, limits: Limits) -> EngineError:
    async with server(handler) as url:
        with pytest.raises(EngineError) as caught:
            async for _ in stream(http, url, {}, limits=limits):
                pass
    return caught.value


SHORT = Limits(connect=5, first=0.2, between=0.2, whole=30)


async def test_silence_before_the_first_text_runs_out(http: aiohttp.ClientSession) -> None:
    # Comments and an empty first event are no text: they must not keep a dead engine alive.
    assert (await failure(http, saying(b": ping\n\n", ROLE, then_wait=True), SHORT)).code == "engine_timeout"


async def test_silence_before_the_headers_runs_out(http: aiohttp.ClientSession) -> None:
    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    assert (await failure(http, silent, SHORT)).code == "engine_timeout"


async def test_silence_between_two_texts_runs_out(http: aiohttp.ClientSession) -> None:
    limits = Limits(first=30, between=0.2)
    assert (await failure(http, saying(said("晨"), then_wait=True), limits)).code == "engine_timeout"


async def test_a_text_that_takes_too_long_altogether_runs_out(http: aiohttp.ClientSession) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(said("晨"))
            await asyncio.sleep(0.02)

    limits = Limits(first=30, between=30, whole=0.3)
    assert (await failure(http, endless, limits)).code == "engine_timeout"


async def test_an_engine_that_does_not_listen_is_down(http: aiohttp.ClientSession) -> None:
    with pytest.raises(EngineError) as caught:
        async for _ in stream(http, "http://127.0.0.1:9/", {}):
            pass
    assert caught.value.code == "engine_down"


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession) -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/")

    assert (await failure(http, elsewhere, Limits())).code == "engine_broken"


async def test_closing_the_reader_closes_the_connection(http: aiohttp.ClientSession) -> None:
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(said("晨"))
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    async with server(handler) as url, asyncio.timeout(10):
        async with aclosing(stream(http, url, {})) as pieces:
            assert (await anext(pieces)).text == "晨"
        await gone.wait()


async def test_the_key_is_sent_to_the_engine(http: aiohttp.ClientSession) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        words = said(request.headers["Authorization"])
        return await saying(words, STOP)(request)

    async with server(handler) as url:
        first = await anext(stream(http, url, {}, key="k-1"))
    assert first.text == "Bearer k-1"
