"""The engine that cannot hold a shape, without its server: what it asks, what it holds back, what it lays on disk."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from inference.engines import engine, hub_cache
from inference.engines.base import AdapterFiles, EngineError, Node, Plan
from inference.engines.following import bare
from inference.engines.transformers import PLAIN
from inference.request import Kind
from tests.engines.picture import PICTURE
from tests.inference.asking import asked, pieces_of, request_for

HAIKU = "细雨湿青苔\n一只蜗牛背着家\n慢慢过石缝"


@asynccontextmanager
async def saying(*texts: str) -> AsyncIterator[tuple[Node, list[dict[str, object]]]]:
    """A server that says one text after the other, character by character, and keeps what it was asked."""
    asks: list[dict[str, object]] = []

    async def completions(request: web.Request) -> web.StreamResponse:
        asks.append(await request.json())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        plain = request.path == PLAIN
        text = texts[min(len(asks), len(texts)) - 1]
        said: list[dict[str, Any]] = [{"text": char} if plain else {"delta": {"content": char}} for char in text]
        for event in [*said, {"delta": {}, "finish_reason": "stop"}]:
            await response.write(b"data: " + json.dumps({"choices": [event]}).encode() + b"\n\n")
        return response

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "base"}, {"id": "adapter/dawn"}]})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", completions), web.get("/v1/models", models)])
    app.add_routes([web.post(PLAIN, completions)])
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Node("t", "transformers", f"http://127.0.0.1:{runner.addresses[0][1]}"), asks
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("said", "conforms", "drawn"),
    [
        ((HAIKU,), True, 1),
        (("三行不齐\n二\n三\n四", HAIKU), True, 2),
        (("三行不齐\n二\n三\n四", "也不齐", "还是不齐"), False, 3),
        ((f"《晨》\n{HAIKU}\n\n",), True, 1),
        ((f"好的，这是您要的俳句：\n\n{HAIKU}",), True, 1),
        ((f"```\n{HAIKU}\n```",), True, 1),
    ],
)
async def test_a_poem_is_given_once_it_is_whole(
    http: aiohttp.ClientSession, said: tuple[str, ...], conforms: bool, drawn: int
) -> None:
    async with saying(*said) as (node, asks):
        pieces = await pieces_of(http, node, request_for(asked("haiku")))
    assert "".join(piece.text for piece in pieces) == (HAIKU if conforms else said[-1])
    assert (pieces[-1].finish, pieces[-1].conforms) == ("stop", conforms)
    assert len(asks) == len({ask["seed"] for ask in asks}) == drawn


async def test_a_poem_ends_where_its_form_does(http: aiohttp.ClientSession) -> None:
    async with saying(f"{HAIKU}\n这首诗写的是雨。") as (node, _):
        pieces = await pieces_of(http, node, request_for(asked("haiku")))
    assert [piece.text for piece in pieces] == [HAIKU, ""]


async def test_prose_streams_and_ends_with_its_sentence(http: aiohttp.ClientSession) -> None:
    ask = asked(kind=Kind.LINE, wish="", before="清晨五点半，我推开窗。")
    async with saying("楼下的灯亮了。又亮了一盏。") as (node, asks):
        pieces = await pieces_of(http, node, request_for(ask))
    assert "".join(piece.text for piece in pieces) == "楼下的灯亮了。"
    assert len(pieces) == 8
    assert pieces[-1].conforms is True
    assert str(asks[0]["prompt"]).endswith("<|im_end|>\n<|im_start|>assistant\n清晨五点半，我推开窗。")


async def test_prose_that_loses_its_shape_goes_on_and_says_so(http: aiohttp.ClientSession) -> None:
    async with saying("# 标题\n楼下。") as (node, _):
        pieces = await pieces_of(http, node, request_for(asked(kind=Kind.LINE)))
    assert "".join(piece.text for piece in pieces) == "# 标题\n楼下。"
    assert pieces[-1].conforms is False


@pytest.mark.parametrize(
    "poem", [HAIKU, "The gate is wet:\na snail has signed the wood", "一灯\n\n二灯", "《诗》在枕边\n夜深了"]
)
def test_no_line_of_verse_is_taken_away(poem: str) -> None:
    assert bare(poem) == poem
    assert bare(f"\n{poem}\n") == poem


async def test_a_model_that_is_not_there_is_not_asked_for(http: aiohttp.ClientSession) -> None:
    async with saying(HAIKU) as (node, asks):
        with pytest.raises(EngineError, match="not_served"):
            await pieces_of(http, Node("t", "transformers", node.url, model="else"), request_for(asked("haiku")))
    assert not asks


def plan(folder: Path, **more: object) -> Plan:
    (folder / "base").mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / "base" / name).write_text("{}")
    return Plan(Path("python"), str(folder / "base"), 22099, **more)  # type: ignore[arg-type]


def test_a_start_lays_a_hub_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path / "cache"))
    dawn = tmp_path / "dawn"
    dawn.mkdir()
    (dawn / "adapter_config.json").write_text('{"r": 64, "base_model_name_or_path": "elsewhere"}')
    (dawn / "adapter_model.safetensors").write_bytes(b"")
    adapter = AdapterFiles("dawn", dawn)
    started = plan(tmp_path, adapters=(adapter,), capacity=4)
    engine("transformers").launch(started)
    made = engine("transformers").launch(started)  # clears away what the first start laid
    snapshot = Path(made.environment["HF_HUB_CACHE"]) / "models--adapter--dawn" / "snapshots" / hub_cache.COMMIT
    assert json.loads((snapshot / "adapter_config.json").read_text())["base_model_name_or_path"] == str(
        tmp_path / "base"
    )
    assert (snapshot / "config.json").resolve() == tmp_path / "base" / "config.json"
    assert not (snapshot / "model.safetensors").exists()
    assert "--continuous-batching" not in made.argv  # with adapters it would end one model's texts for another's


def test_it_batches_where_there_is_room_and_no_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path / "cache"))
    assert "--continuous-batching" in engine("transformers").launch(plan(tmp_path, capacity=4)).argv


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"served": "a--b"}, {"served": "../up"}])
def test_a_start_that_would_be_unsafe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EngineError, match="engine_refused"):
        engine("transformers").launch(plan(tmp_path, **more))


async def test_a_picture_goes_with_the_words_and_not_with_a_beginning(http: aiohttp.ClientSession) -> None:
    request = replace(request_for(asked("haiku")), image=PICTURE)
    async with saying(HAIKU) as (node, asks):
        await pieces_of(http, node, request)
        await pieces_of(http, node, replace(request, written=HAIKU[:6]))
    chat, plain = (json.dumps(ask) for ask in asks[:2])
    assert PICTURE in chat
    assert PICTURE not in plain
