"""The engines' one shape, against a fake node over real HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp
import pytest

from inference import loading
from inference.engines import ENGINES, engine
from inference.engines.base import EngineError, Health, Node, Piece
from inference.engines.dialect import without
from inference.request import Kind
from inference.verse.forms import FORMS, conforms
from tests.inference.asking import asked, pieces_of, request_for, text_of
from tests.processes import free_port, wait_until
from tests.processes_inference import fake_node, running

NOWHERE = "http://127.0.0.1:9"


async def until_idle(node: Node) -> None:
    await asyncio.to_thread(wait_until, lambda: running(node) == 0, within=20, what="the engine to be idle")


async def broken(http: aiohttp.ClientSession, node: Node, wish: str) -> tuple[list[str], EngineError]:
    """The texts that came before the error, and the error."""
    said: list[str] = []
    try:
        async for piece in engine("fake").stream(http, node, request_for(asked("free", wish))):
            said.append(piece.text)
    except EngineError as error:
        return said, error
    pytest.fail("it ended well")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", sorted(FORMS))
async def test_a_fake_poem_has_its_form(http: aiohttp.ClientSession, fake: Node, form: str, language: str) -> None:
    for seed in range(5):
        pieces = await pieces_of(http, fake, request_for(asked(form, language=language), seed=seed))
        text = "".join(piece.text for piece in pieces)
        assert conforms(form, text, language), text
        assert [piece.finish for piece in pieces if piece.finish] == ["stop"]
        assert pieces[-1].finish == "stop"


async def test_the_same_seed_gives_the_same_text_and_another_seed_another(
    http: aiohttp.ClientSession, fake: Node
) -> None:
    one, same, other = [await text_of(http, fake, request_for(asked("wujue"), seed=seed)) for seed in (1, 1, 2)]
    assert one == same != other


@pytest.mark.parametrize("form", ["wujue", "english"])
async def test_a_poem_cut_anywhere_goes_on_exactly_from_there(
    http: aiohttp.ClientSession, fake: Node, form: str
) -> None:
    whole = await text_of(http, fake, request_for(asked(form)))
    for place in range(len(whole) + 1):
        rest = await text_of(http, fake, request_for(asked(form), written=whole[:place]))
        assert rest == whole[place:]


@pytest.mark.parametrize(
    ("form", "written"), [("wujue", "残雪压疏篱，\n微风"), ("english", "The gate is wet.\nA snail has sig")]
)
async def test_a_poem_somebody_else_began_is_finished_in_its_form(
    http: aiohttp.ClientSession, fake: Node, form: str, written: str
) -> None:
    rest = await text_of(http, fake, request_for(asked(form), written=written))
    assert conforms(form, written + rest)


async def test_a_text_without_a_form_goes_on_too_and_has_the_length_the_node_was_told(
    http: aiohttp.ClientSession, fake: Node
) -> None:
    ask = asked(kind=Kind.CONTINUE, before="湖面起了雾。")
    pieces = await pieces_of(http, fake, request_for(ask))
    whole = "".join(piece.text for piece in pieces)
    assert sum(piece.tokens for piece in pieces) == 40
    assert await text_of(http, fake, request_for(ask, written=whole[:7])) == whole[7:]


async def test_too_many_tokens_end_as_length(http: aiohttp.ClientSession, fake: Node) -> None:
    request = request_for(asked("wujue"))
    request.sampling["max_tokens"] = 3
    pieces = await pieces_of(http, fake, request)
    assert (pieces[-1].finish, sum(piece.tokens for piece in pieces)) == ("length", 3)


async def test_characters_torn_between_packets_arrive_whole(http: aiohttp.ClientSession, fake: Node) -> None:
    text = await text_of(http, fake, request_for(asked("wujue", "湖 #split")))
    assert conforms("wujue", text)


@pytest.mark.parametrize(
    ("way", "said", "code", "retryable"),
    [
        ("error", 3, "engine_broken", True),
        ("die", 3, "engine_broken", True),
        ("cut", 3, "engine_broken", True),
        ("shape", 3, "engine_broken", True),
        ("locked", 0, "engine_broken", True),
        ("moved", 0, "engine_broken", True),
        ("refuse", 0, "engine_refused", False),
        ("toolong", 0, "too_long", False),
        ("busy", 0, "engine_loading", True),
    ],
)
async def test_every_misbehaviour_is_a_typed_error_after_what_was_said(
    http: aiohttp.ClientSession, fake: Node, way: str, said: int, code: str, retryable: bool
) -> None:
    texts, error = await broken(http, fake, f"湖 #{way}")
    assert (len(texts), error.code, error.retryable) == (said, code, retryable)


async def test_a_node_that_is_told_to_misbehaves_without_a_word(http: aiohttp.ClientSession) -> None:
    with fake_node(rate=0, misbehave="cut") as node:
        assert (await broken(http, node, "湖"))[1].code == "engine_broken"


async def test_closing_the_stream_makes_the_engine_idle(http: aiohttp.ClientSession, steady: Node) -> None:
    request = request_for(asked(kind=Kind.CONTINUE))
    request.sampling["max_tokens"] = 4000
    async with aclosing(engine("fake").stream(http, steady, request)) as pieces:
        await anext(pieces)
        assert await asyncio.to_thread(running, steady) == 1
    await until_idle(steady)


async def test_cancelling_the_task_makes_the_engine_idle(http: aiohttp.ClientSession, steady: Node) -> None:
    request = request_for(asked(kind=Kind.CONTINUE, wish="湖 #stall"))
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(engine("fake").stream(http, steady, request)) as pieces:
            async for _ in pieces:
                begun.set()

    task = asyncio.create_task(listen())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_idle(steady)


@pytest.mark.parametrize("kind", sorted(ENGINES))
async def test_nobody_there_is_down_and_not_an_error(http: aiohttp.ClientSession, kind: str) -> None:
    assert await engine(kind).health(http, Node("gone", kind, NOWHERE)) == Health("down")


@pytest.mark.parametrize("kind", sorted(ENGINES))
async def test_asking_nobody_says_that_the_engine_is_down(http: aiohttp.ClientSession, kind: str) -> None:
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, Node("gone", kind, NOWHERE), request_for(asked("wujue")))
    assert (caught.value.code, caught.value.retryable) == ("engine_down", True)


async def test_a_loading_node_says_how_far(http: aiohttp.ClientSession) -> None:
    with fake_node(wait_for=503, loading=3600) as node:
        health = await engine("fake").health(http, node)
        assert health.state == "loading"
        assert health.progress is not None
        assert 0 <= health.progress < 1
        with pytest.raises(EngineError) as caught:
            await pieces_of(http, node, request_for(asked("wujue")))
    assert caught.value.code == "engine_loading"


async def test_a_ready_node_counts_its_work(http: aiohttp.ClientSession, steady: Node) -> None:
    async with aclosing(engine("fake").stream(http, steady, request_for(asked(kind=Kind.CONTINUE)))) as pieces:
        await anext(pieces)
        assert await engine("fake").health(http, steady) == Health("ready", 1.0, 1, 0)
    await until_idle(steady)


async def test_the_fake_engine_says_that_it_is_one(http: aiohttp.ClientSession, fake: Node) -> None:
    async with http.get(f"{fake.url}/v1/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == ["fake"]


async def test_a_beginning_without_the_form_is_refused_before_anything_is_sent(http: aiohttp.ClientSession) -> None:
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, Node("a", "llamacpp", NOWHERE), request_for(asked("wujue"), written="Hello"))
    assert (caught.value.code, caught.value.retryable) == ("engine_broken", False)


async def test_a_whole_poem_is_not_sent_to_an_engine_again(http: aiohttp.ClientSession) -> None:
    written = "晨雾起平湖，\n轻舟入画图。\n一声何处笛，\n吹破水中芦。"
    pieces = await pieces_of(http, Node("a", "llamacpp", NOWHERE), request_for(asked("wujue"), written=written))
    assert [(piece.text, piece.finish) for piece in pieces] == [("", "stop")]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ([" wood", " is wet"], ["od", " is wet"]),
        ([" ", "w", "o", "od"], ["od"]),
        ([" wo", "", "od"], ["od"]),
        (["\nThe", " wood"], ["\nThe", " wood"]),
    ],
)
async def test_what_an_engine_says_again_is_not_said_twice(said: list[str], left: list[str]) -> None:
    async def pieces() -> AsyncGenerator[Piece, None]:
        for text in said:
            yield Piece(text, 1)
        yield Piece("", 0, "stop")

    kept = [piece async for piece in without(" wo", pieces())]
    assert [piece.text for piece in kept] == [*left, ""]
    assert kept[-1].finish == "stop"


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EngineError):
        engine("oracle")


def test_no_process_for_a_port_means_no_progress() -> None:
    assert loading.progress(f"http://127.0.0.1:{free_port()}") is None
