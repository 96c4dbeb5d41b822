"""What SGLang does otherwise than its siblings and the guard against it, on a stand-in that is as its source says."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import aiohttp
import pytest

from inference import sse
from inference.engines import dialect, engine
from inference.engines.sglang import body_of
from inference.request import Kind
from inference.rest import rest_of
from tests.engines import stand_sglang
from tests.engines.recorder import recording
from tests.engines.stands import CHAT, Stand
from tests.inference.asking import asked, pieces_of, request_for
from tests.processes import free_port, wait_until

LONG = request_for(asked(kind=Kind.CONTINUE, wish="", before="清晨五点半，我推开窗。"))


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stand_sglang.stand() as made:
        yield made


async def idle(stand: Stand) -> None:
    await asyncio.to_thread(wait_until, lambda: stand.running() == 0, within=2, what="the abort")


async def test_a_closed_connection_alone_leaves_it_at_work(http: aiohttp.ClientSession, stand: Stand) -> None:
    """Which is why a stream that is left is aborted by its name."""
    node, body = stand.node, body_of(LONG, rest_of(LONG), stand.node.model, "left-behind")
    async with aclosing(sse.stream(http, f"{node.url}{dialect.CHAT}", body, key=node.key)) as pieces:
        await anext(pieces)
    assert await asyncio.to_thread(stand.running) == 1
    await dialect.call(http, node, "POST", "/abort_request", {"rid": "left-behind"})
    await idle(stand)


async def test_a_stream_that_is_left_is_aborted(http: aiohttp.ClientSession, stand: Stand) -> None:
    async with aclosing(engine("sglang").stream(http, stand.node, LONG)) as pieces:
        await anext(pieces)
    await idle(stand)


@pytest.mark.parametrize("kind", ["sglang", "lmdeploy"])
@pytest.mark.parametrize("endless", [True, False])
async def test_only_what_is_left_is_aborted(kind: str, endless: bool) -> None:
    async with recording(kind, free_port()) as recorder:
        recorder.endless = endless
        await recorder.streamed(LONG)
        assert ("POST /abort_request" in dict(recorder.asked)) is endless


async def test_what_is_left_before_it_began_is_aborted_twice() -> None:
    """The first abort may come before the request is known, and is then passed over."""
    async with recording("sglang", free_port()) as recorder:
        recorder.silent = True
        with pytest.raises(TimeoutError):
            await recorder.streamed(LONG, within=0.3)
        aborts = [body for route, body in recorder.asked if route == "POST /abort_request"]
        assert len(aborts) == 2
        assert aborts[0] == aborts[1]


async def test_an_adapter_named_as_the_model_is_answered_by_the_base(http: aiohttp.ClientSession, stand: Stand) -> None:
    """Which is why it is named apart: the base answers to any name."""
    assert stand.first
    await engine("sglang").load(http, stand.node, stand.first)
    try:
        base = await engine("sglang").measure(http, stand.node, CHAT)
        assert await engine("sglang").measure(http, replace(stand.node, model=stand.first.name), CHAT) == base
        assert await engine("sglang").measure(http, stand.node, CHAT, stand.first.name) != base
    finally:
        await engine("sglang").unload(http, stand.node, stand.first.name)


async def test_nothing_is_told_of_a_character_that_the_limit_cuts(http: aiohttp.ClientSession, stand: Stand) -> None:
    short = replace(LONG, sampling=LONG.sampling | {"max_tokens": 16})
    texts = [piece.text for piece in await pieces_of(http, stand.node, short)]
    assert "".join(texts)
    assert "\ufffd" not in "".join(texts)
