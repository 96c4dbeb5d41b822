"""One suite for every engine: what the house relies on, whatever serves the model.

What an engine cannot do stands in the notes of its stand, with the reason; it must then say so by a typed error.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from inference.engines import ENGINES, engine
from inference.engines.base import AdapterFiles, Engine, EngineError
from inference.request import Kind, Request
from inference.rest import rest_of
from inference.verse.forms import FORMS, conforms
from inference.verse.shape import may_end
from tests.engines.picture import PICTURE
from tests.engines.stands import CHAT, KINDS, Stand
from tests.inference.asking import asked, pieces_of, request_for
from tests.processes import free_port, wait_until

pytestmark = pytest.mark.timeout(600)
IDLE_WITHIN = 2.0  # seconds after a stop
AT_ONCE = 8
WISH = "雾里有一只不肯飞的白鹭"
PROSE = asked(kind=Kind.CONTINUE, wish="", before="清晨五点半，我推开窗。")


def talker(stand: Stand) -> Engine:
    return engine(stand.node.kind)


def holds(request: Request, text: str) -> bool:
    """Whether the text is a whole one of what was asked for."""
    constraint = request.sampling["constraint"]
    if constraint["form"] in FORMS and not conforms(constraint["form"], text, constraint["language"]):
        return False
    try:
        return may_end(rest_of(replace(request, written=text), held=False).shape)
    except EngineError:
        return False


async def whole(http: aiohttp.ClientSession, stand: Stand, request: Request) -> str:
    """A text that ends well and has its shape, or of which the engine says that it has not."""
    pieces = await pieces_of(http, stand.node, request)
    text = request.written + "".join(piece.text for piece in pieces)
    assert [piece.finish for piece in pieces if piece.finish] == [pieces[-1].finish]
    assert "�" not in text
    if talker(stand).traits.constrains:
        assert pieces[-1].finish == "length" or holds(request, text), text
    else:
        assert pieces[-1].conforms is holds(request, text), text
    return text


async def first_text_after(http: aiohttp.ClientSession, stand: Stand, request: Request) -> float:
    began = time.monotonic()
    async with aclosing(talker(stand).stream(http, stand.node, request)) as pieces:
        await anext(pieces)
        return time.monotonic() - began


async def until_idle(stand: Stand, within: float = IDLE_WITHIN) -> float:
    began = time.monotonic()
    await asyncio.to_thread(wait_until, lambda: stand.running() == 0, within=within, what="the engine to be idle")
    return time.monotonic() - began


def test_every_engine_has_its_stand() -> None:
    assert set(ENGINES) == set(KINDS)


async def test_it_is_ready_and_idle(http: aiohttp.ClientSession, stand: Stand) -> None:
    await until_idle(stand, within=60)
    health = await talker(stand).health(http, stand.node)
    assert health.state == "ready"
    assert health.running in {0, None}


@pytest.mark.parametrize(
    ("form", "language"), [("wujue", "zh"), ("haiku", "zh"), ("free", "zh"), ("english", "en"), ("wulv", "zh")]
)
async def test_a_poem_has_its_form(http: aiohttp.ClientSession, stand: Stand, form: str, language: str) -> None:
    await whole(http, stand, request_for(asked(form, WISH if language == "zh" else "a heron in the mist", language)))


@pytest.mark.parametrize(
    ("kind", "before"), [(Kind.LINE, "楼下的早点铺刚刚亮灯，"), (Kind.CONTINUE, "I woke before the alarm.")]
)
async def test_prose_goes_on_from_hers(http: aiohttp.ClientSession, stand: Stand, kind: Kind, before: str) -> None:
    text = await whole(http, stand, request_for(asked(kind=kind, wish="", before=before)))
    assert text == text.strip()


async def test_a_seed_repeats_its_text(http: aiohttp.ClientSession, stand: Stand) -> None:
    one, same = [await whole(http, stand, request_for(asked("wujue", WISH), seed=7)) for _ in range(2)]
    if "seed" not in stand.notes:
        assert one == same
    other = await whole(http, stand, request_for(asked("wujue", WISH), seed=8))
    assert other != one


async def test_a_poem_that_was_cut_between_characters_goes_on_from_there(
    http: aiohttp.ClientSession, stand: Stand
) -> None:
    ask = asked("haiku", WISH)
    text = await whole(http, stand, request_for(ask))
    for place in (1, 5, 6, len(text) - 1) if holds(request_for(ask), text) else ():
        await whole(http, stand, request_for(ask, written=text[:place]))


async def test_a_poem_that_was_cut_in_a_word_goes_on_from_there(http: aiohttp.ClientSession, stand: Stand) -> None:
    written = "The gate is wet.\nA snail has signed the wo"
    request = request_for(asked("english", "a gate", "en"), written=written)
    likeliest = replace(request, sampling=request.sampling | {"temperature": 0.0})  # a draw may end the word there
    text = await whole(http, stand, likeliest)
    assert len(text) > len(written)
    assert text[len(written)] != "\n"


async def test_a_whole_poem_is_not_gone_on_with(http: aiohttp.ClientSession, stand: Stand) -> None:
    written = "细雨湿青苔\n一只蜗牛背着家\n慢慢过石缝"
    pieces = await pieces_of(http, stand.node, request_for(asked("haiku", WISH), written=written))
    assert [(piece.text, piece.finish) for piece in pieces] == [("", "stop")]


async def test_its_length_is_limited(http: aiohttp.ClientSession, stand: Stand) -> None:
    request = request_for(asked("english", "a heron in the mist", "en"))
    pieces = await pieces_of(http, stand.node, replace(request, sampling=request.sampling | {"max_tokens": 16}))
    assert pieces[-1].finish == "length"
    assert sum(piece.tokens for piece in pieces) <= 16 or not talker(stand).traits.constrains


async def test_more_than_it_can_read_is_too_long(http: aiohttp.ClientSession, stand: Stand) -> None:
    request = request_for(asked("wujue", WISH))
    request.messages[-1]["content"] = "湖山" * 5000 + "#toolong"  # which is what the fake engine calls too long
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, stand.node, request)
    assert caught.value.code == "too_long"


@pytest.mark.parametrize("trouble", ["adapter", "model", "key"])
async def test_what_it_does_not_know_is_a_typed_error(http: aiohttp.ClientSession, stand: Stand, trouble: str) -> None:
    request, node = request_for(asked("wujue", WISH)), stand.node
    if trouble == "adapter":
        request = replace(request, adapter="nobody-s")
    elif trouble == "model" and node.model and "model" not in stand.notes:
        node = replace(node, model="another")
    elif trouble == "key" and node.key:
        node = replace(node, key="another")
    else:
        return  # it serves one model whatever it is called, or asks nobody for a key
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, node, request)
    mine = {"engine_broken"} if trouble == "key" else {"not_served", "engine_refused"}  # a lost key is the node's fault
    assert caught.value.code in mine


async def test_a_stop_ends_the_work(http: aiohttp.ClientSession, stand: Stand) -> None:
    """Twice as many long texts as it makes at once, at most eight, all given up; then it is as quick as before."""
    fresh = request_for(PROSE, seed=99)
    await first_text_after(http, stand, fresh)  # it has read this now
    await until_idle(stand, within=60)
    before = await first_text_after(http, stand, fresh)
    await until_idle(stand)
    many = min(AT_ONCE, 2 * stand.node.capacity)
    tasks = [asyncio.create_task(pieces_of(http, stand.node, request_for(PROSE, seed=i))) for i in range(many)]
    wanted = min(many, stand.node.capacity)
    await asyncio.to_thread(wait_until, lambda: stand.running() >= wanted, within=60, what="the texts to begin")
    for task in tasks:
        task.cancel()
    assert {type(end) for end in await asyncio.gather(*tasks, return_exceptions=True)} == {asyncio.CancelledError}
    print(f"\n{stand.node.kind}: idle {await until_idle(stand):.2f} s after {many} stops")
    after = await first_text_after(http, stand, fresh)
    print(f"{stand.node.kind}: first text after {before:.2f} s, and after the stops {after:.2f} s")
    assert after < 3 * before + 1


async def test_many_texts_at_once_are_all_whole(http: aiohttp.ClientSession, stand: Stand) -> None:
    """Twice as many as it makes at once, at most eight."""
    began, many = time.monotonic(), min(AT_ONCE, 2 * stand.node.capacity)
    texts = await asyncio.gather(
        *(whole(http, stand, request_for(asked("wujue", WISH), seed=seed)) for seed in range(many))
    )
    print(f"\n{stand.node.kind}: {many} texts at once in {time.monotonic() - began:.1f} s")
    assert len(set(texts)) > 1


async def test_where_nothing_listens_it_is_down(http: aiohttp.ClientSession, stand: Stand) -> None:
    nowhere = replace(stand.node, url=f"http://127.0.0.1:{free_port()}")
    assert (await talker(stand).health(http, nowhere)).state == "down"
    with pytest.raises(EngineError, match="engine_down"):
        await pieces_of(http, nowhere, request_for(asked("wujue")))


async def measured(http: aiohttp.ClientSession, stand: Stand, adapter: str = "") -> dict[str, float]:
    return await talker(stand).measure(http, stand.node, CHAT, adapter)


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """The largest difference at a token that both tell of; what only one tells of is far apart."""
    both = one.keys() & other.keys()
    return max((abs(one[token] - other[token]) for token in both), default=math.inf)


async def test_it_tells_log_probabilities(http: aiohttp.ClientSession, stand: Stand) -> None:
    if not talker(stand).traits.measures:
        with pytest.raises(EngineError, match="engine_refused"):
            await measured(http, stand)
        return
    told = await measured(http, stand)
    assert told
    assert all(value <= 0 for value in told.values())
    assert sum(map(math.exp, told.values())) <= 1 + 1e-6


async def test_a_picture_is_seen_or_refused(http: aiohttp.ClientSession, stand: Stand) -> None:
    request = replace(request_for(asked("haiku", WISH)), image=PICTURE)
    if talker(stand).traits.sees and "picture" not in stand.notes:
        await whole(http, stand, request)
        return
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, stand.node, request)
    assert caught.value.code == "engine_refused"


def adapters_of(stand: Stand) -> tuple[AdapterFiles, AdapterFiles]:
    assert stand.first is not None
    assert stand.second is not None
    return stand.first, stand.second


async def test_an_adapter_is_loaded_and_unloaded_while_others_serve(http: aiohttp.ClientSession, stand: Stand) -> None:
    speaks, node = talker(stand), stand.node
    if not speaks.traits.loads:
        with pytest.raises(EngineError, match="engine_refused"):
            await speaks.load(http, node, AdapterFiles("anything", Path("/nowhere")))
        return
    first, second = adapters_of(stand)
    assert await speaks.adapters(http, node) == frozenset()
    base = await measured(http, stand)
    began = time.monotonic()
    await speaks.load(http, node, first)
    print(f"\n{node.kind}: an adapter is loaded in {time.monotonic() - began:.2f} s")
    await speaks.load(http, node, first)  # again is no error
    assert await speaks.adapters(http, node) == {first.name}
    changed = await measured(http, stand, first.name)
    await speaks.load(http, node, second)
    assert await speaks.adapters(http, node) == {first.name, second.name}
    other = await measured(http, stand, second.name)
    assert min(apart(base, changed), apart(base, other), apart(changed, other)) > 0.1
    assert apart(base, await measured(http, stand)) < 1e-3
    assert apart(changed, await measured(http, stand, first.name)) < 1e-3
    await whole(http, stand, replace(request_for(asked("haiku", WISH)), adapter=second.name))
    await speaks.unload(http, node, first.name)
    await speaks.unload(http, node, first.name)  # again is no error
    assert await speaks.adapters(http, node) == {second.name}
    if "unloaded" not in stand.notes:
        with pytest.raises(EngineError):
            await measured(http, stand, first.name)
    await speaks.unload(http, node, second.name)
    assert await speaks.adapters(http, node) == frozenset()


async def test_a_folder_that_is_none_is_a_typed_error_and_nothing_is_listed(
    http: aiohttp.ClientSession, stand: Stand, tmp_path: Path
) -> None:
    if talker(stand).traits.loads:
        with pytest.raises(EngineError):
            await talker(stand).load(http, stand.node, AdapterFiles("nothing", tmp_path / "nothing"))
        assert "nothing" not in await talker(stand).adapters(http, stand.node)


async def test_adapters_it_was_started_with_are_there_and_take_effect(
    http: aiohttp.ClientSession, stand: Stand
) -> None:
    traits = talker(stand).traits
    if not traits.adapts:
        assert await talker(stand).adapters(http, stand.node) == frozenset()
    elif not traits.loads:
        first, second = adapters_of(stand)
        assert await talker(stand).adapters(http, stand.node) == {first.name, second.name}
        await whole(http, stand, replace(request_for(asked("haiku", WISH)), adapter=second.name))
        if traits.measures:
            base, changed, other = [await measured(http, stand, name) for name in ("", first.name, second.name)]
            assert min(apart(base, changed), apart(base, other), apart(changed, other)) > 0.1
            assert apart(base, await measured(http, stand)) < 1e-3


async def states_until(
    http: aiohttp.ClientSession, stand: Stand, restarted: asyncio.Task[None]
) -> AsyncGenerator[str, None]:
    while not restarted.done():
        yield (await talker(stand).health(http, stand.node)).state
        await asyncio.sleep(0.05)


async def test_after_a_restart_it_loads_is_ready_and_has_forgotten_its_adapters(
    http: aiohttp.ClientSession, stand: Stand
) -> None:
    speaks, node = talker(stand), stand.node
    if speaks.traits.loads:
        await speaks.load(http, node, adapters_of(stand)[0])
    began = time.monotonic()
    restarted = asyncio.create_task(asyncio.to_thread(stand.restart))
    seen = {state async for state in states_until(http, stand, restarted)}
    await restarted
    print(f"\n{node.kind}: ready {time.monotonic() - began:.1f} s after it was killed")
    assert "loading" in seen or "loading" in stand.notes
    assert (await speaks.health(http, node)).state == "ready"
    if speaks.traits.loads:
        assert await speaks.adapters(http, node) == frozenset()
        await speaks.load(http, node, adapters_of(stand)[0])
        assert await speaks.adapters(http, node) == {adapters_of(stand)[0].name}
    await whole(http, stand, request_for(asked("haiku", WISH)))


async def test_its_log_holds_no_text_no_key_and_no_word_that_it_passed_over(stand: Stand) -> None:
    if stand.log is None:
        return
    said = stand.log.read_text(encoding="utf-8", errors="replace")
    assert WISH not in said
    assert not stand.node.key or stand.node.key not in said
    assert "present in the request but ignored" not in said  # vLLM's words for a field that it does not know
