"""Which node gets the next text, and who waits for how long."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest

from inference.breaker import MOST_FAILURES
from inference.engines.base import EngineError, Health, Node
from inference.nodes import Need, Nodes, Priority
from tests.processes_inference import fake_node

NOWHERE = "http://127.0.0.1:9"
GONE = Node("gone", "fake", NOWHERE)
OTHER = Node("other", "fake", NOWHERE)
WRITER = Need("a writer")


def node(name: str, capacity: int = 2, **more: object) -> Node:
    return Node(name, "fake", NOWHERE, capacity=capacity, **more)  # type: ignore[arg-type]


async def picked(nodes: Nodes, need: Need = WRITER) -> str:
    async with asyncio.timeout(1), nodes.lease(need) as found:
        return found.name


async def fail(nodes: Nodes, code: str, need: Need = WRITER) -> str:
    """One text that ends so; answers where."""
    where: list[str] = []

    async def text() -> None:
        async with nodes.lease(need) as found:
            where.append(found.name)
            raise EngineError(code)  # type: ignore[arg-type]

    with pytest.raises(EngineError):
        await text()
    return where[0]


# --- choice
async def test_the_least_loaded_node_for_its_capacity_is_picked() -> None:
    nodes = Nodes([node("small", 1), node("big", 4)])
    async with AsyncExitStack() as held:
        names = [(await held.enter_async_context(nodes.lease())).name for _ in range(5)]
        assert Counter(names) == {"small": 1, "big": 4}


async def test_a_heavier_node_gets_more() -> None:
    nodes = Nodes([node("plain", 30), node("favoured", 30, weight=2.0)])
    async with AsyncExitStack() as held:
        names = Counter([(await held.enter_async_context(nodes.lease())).name for _ in range(30)])
    assert names == {"plain": 10, "favoured": 20}


async def test_a_writer_stays_where_her_text_has_been_read() -> None:
    nodes = Nodes([node(f"n{number}", 8) for number in range(4)])
    for writer in ("one", "two", "three"):
        assert len({await picked(nodes, Need(writer)) for _ in range(5)}) == 1
    homes = Counter([await picked(nodes, Need(f"writer {number}")) for number in range(400)])
    assert all(60 < count < 140 for count in homes.values()), homes  # 100 each, less or more


async def test_a_lost_node_moves_only_its_own_writers() -> None:
    four = [node(f"n{number}", 8) for number in range(4)]
    writers = [Need(f"writer {number}") for number in range(60)]
    before = [await picked(Nodes(four), writer) for writer in writers]
    after = [await picked(Nodes(four[:3]), writer) for writer in writers]
    assert [b for b in before if b != "n3"] == [a for a, b in zip(after, before, strict=True) if b != "n3"]


async def test_a_full_home_is_left_for_a_free_node() -> None:
    nodes = Nodes([node("a", 4), node("b", 4)])
    home = await picked(nodes)
    async with AsyncExitStack() as held:
        names = [(await held.enter_async_context(nodes.lease(WRITER))).name for _ in range(8)]
    assert names[0] == home
    assert Counter(names) == {"a": 4, "b": 4}


async def test_a_node_with_the_wanted_adapter_is_preferred_and_any_other_is_better_than_none() -> None:
    nodes = Nodes([node("bare"), node("fitted", adapters=frozenset({"x"}))])
    assert {await picked(nodes, Need(f"{n}", adapter="x")) for n in range(6)} == {"fitted"}
    assert await picked(nodes, Need(adapter="y"))


async def test_a_node_that_failed_a_text_is_avoided_unless_it_is_the_only_one() -> None:
    nodes = Nodes([GONE, OTHER])
    assert {await picked(nodes, Need(f"{n}", avoid=frozenset({"gone"}))) for n in range(6)} == {"other"}
    assert await picked(Nodes([GONE]), Need(avoid=frozenset({"gone"}))) == "gone"


async def test_a_photograph_goes_to_a_node_that_sees_and_words_go_anywhere() -> None:
    seeing = Nodes([node("blind", 8), replace(node("eyes", 1), sees=True)])
    async with seeing.lease(Need(sees=True)) as first:
        assert first.name == "eyes"
        waiting = asyncio.create_task(picked(seeing, Need(sees=True)))  # one that sees is worth waiting for
        await asyncio.sleep(0)
        assert not waiting.done()
        assert await picked(seeing) == "blind"
    assert await waiting == "eyes"
    assert await picked(Nodes([node("blind", 1)]), Need(sees=True)) == "blind"  # it makes the poem from the chips


# --- the queue
async def test_whoever_finds_every_node_full_waits_and_gets_the_next_free_seat() -> None:
    nodes = Nodes([node("one", 1)])
    async with nodes.lease():
        waiting = asyncio.create_task(picked(nodes))
        await asyncio.sleep(0)
        assert (nodes.waiting, waiting.done()) == (1, False)
    assert await waiting == "one"
    assert nodes.waiting == 0


async def order_of(nodes: Nodes, needs: dict[str, Need]) -> list[str]:
    """In which order these get the only seat."""
    order: list[str] = []

    async def sit(name: str, need: Need) -> None:
        async with nodes.lease(need):
            order.append(name)
            await asyncio.sleep(0)

    async with nodes.lease(Need("somebody")):
        sitting = []
        for name, need in needs.items():
            sitting.append(asyncio.create_task(sit(name, need)))
            await asyncio.sleep(0)
    await asyncio.gather(*sitting)
    return order


async def test_writers_come_before_background_work() -> None:
    night = Need(priority=Priority.BACKGROUND)
    order = await order_of(Nodes([node("one", 1)]), {"night": night, "first": Need("a"), "second": Need("b")})
    assert order == ["first", "second", "night"]


async def test_a_writer_with_nothing_under_the_pen_comes_before_one_who_has() -> None:
    nodes = Nodes([node("one", 2)])
    async with nodes.lease(Need("greedy")):
        order = await order_of(nodes, {"greedy": Need("greedy"), "patient": Need("patient")})
    assert order == ["patient", "greedy"]


async def test_background_work_leaves_the_last_seat_to_a_writer() -> None:
    nodes = Nodes([node("one", 2)])
    async with nodes.lease(Need(priority=Priority.BACKGROUND)):
        second = asyncio.create_task(picked(nodes, Need(priority=Priority.BACKGROUND)))
        await asyncio.sleep(0)
        assert not second.done()
        assert await picked(nodes) == "one"
    assert await second == "one"


async def test_whoever_stops_waiting_takes_no_seat() -> None:
    nodes = Nodes([node("one", 1)])
    async with nodes.lease():
        waiting = asyncio.create_task(picked(nodes))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert await picked(nodes) == "one"
    assert nodes.seats[0].ours == 0


async def test_whoever_is_cancelled_in_the_moment_of_being_seated_leaves_the_seat() -> None:
    nodes = Nodes([node("one", 1)])
    held = nodes.lease()
    await held.__aenter__()
    waiting = asyncio.create_task(picked(nodes))
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)  # seats the one who waits
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert nodes.seats[0].ours == 0
    assert await picked(nodes) == "one"


async def test_those_who_wait_are_sent_away_when_the_last_node_goes() -> None:
    nodes = Nodes([node("one", 1)])

    async def die() -> None:
        async with nodes.lease():
            await asyncio.sleep(0.01)
            raise EngineError("engine_down")

    dying = asyncio.create_task(die())
    await asyncio.sleep(0)
    with pytest.raises(EngineError) as caught:
        await picked(nodes)
    assert caught.value.code == "engine_down"
    await asyncio.gather(dying, return_exceptions=True)


# --- changes while it runs
async def test_a_node_that_is_added_takes_those_who_wait() -> None:
    nodes = Nodes([node("one", 1)])
    async with nodes.lease():
        waiting = asyncio.create_task(picked(nodes))
        await asyncio.sleep(0)
        nodes.update([node("one", 1), node("two", 1)])
        assert await waiting == "two"


async def test_a_draining_node_ends_what_it_has_and_gets_no_more() -> None:
    nodes = Nodes([node("one", 4), node("two", 4)])
    async with nodes.lease() as first:
        nodes.update([node(name, 4, draining=name == first.name) for name in ("one", "two")])
        assert {await picked(nodes, Need(f"{n}")) for n in range(4)} == {"one", "two"} - {first.name}
    nodes.update([node("one", 4), node("two", 4)])
    assert {await picked(nodes, Need(f"{n}")) for n in range(20)} == {"one", "two"}


async def test_a_node_that_moves_starts_anew() -> None:
    nodes = Nodes([GONE])
    await fail(nodes, "engine_down")
    with pytest.raises(EngineError):
        await picked(nodes)
    nodes.update([Node("gone", "fake", "http://127.0.0.1:10")])
    assert await picked(nodes) == "gone"


# --- failures
async def test_a_lease_is_given_back_whatever_happens() -> None:
    nodes = Nodes([node("one", 1)])
    with pytest.raises(ValueError, match="anything"):
        async with nodes.lease():
            raise ValueError("anything")
    assert await picked(nodes) == "one"


@pytest.mark.parametrize(("code", "state"), [("engine_down", "down"), ("engine_loading", "loading")])
async def test_a_node_that_is_not_there_is_left_alone_at_once(code: str, state: str) -> None:
    nodes = Nodes([GONE, OTHER])
    lost = await fail(nodes, code)
    assert {await picked(nodes, Need(f"{n}")) for n in range(6)} == {"gone", "other"} - {lost}
    await fail(nodes, code)
    with pytest.raises(EngineError) as caught:
        await picked(nodes)
    assert caught.value.code == code
    assert nodes.state().state == state


async def test_one_refused_ask_does_not_take_a_node_away() -> None:
    nodes = Nodes([GONE])
    for _ in range(2 * MOST_FAILURES):
        await fail(nodes, "engine_refused")
    assert await picked(nodes) == "gone"


async def test_a_refusal_does_not_make_good_what_has_failed() -> None:
    nodes = Nodes([GONE])
    for _ in range(MOST_FAILURES):
        await fail(nodes, "engine_refused")
        await fail(nodes, "engine_broken")
    with pytest.raises(EngineError):
        await picked(nodes)


# --- probes
async def test_a_probe_finds_out_who_is_there_and_brings_back_who_returns(http: aiohttp.ClientSession) -> None:
    with fake_node(rate=0) as there:
        nodes = Nodes([GONE, there])
        await nodes.probe(http)
        assert nodes.state() == Health("ready", 1.0, 0, 0)
        assert await picked(nodes) == there.name
        assert await fail(nodes, "engine_down") == there.name
        await nodes.probe(http)
        assert await picked(nodes) == there.name
    await nodes.probe(http)
    assert nodes.state().state == "down"


async def test_work_that_others_give_a_node_counts_too(http: aiohttp.ClientSession) -> None:
    with fake_node(rate=5, tokens=4000) as busy, fake_node(rate=0) as quiet:
        nodes = Nodes([Node("busy", "fake", busy.url, capacity=4), Node("quiet", "fake", quiet.url, capacity=4)])
        asked = {"messages": [{"role": "user", "content": "湖"}], "stream": True}
        async with AsyncExitStack() as others:
            for _ in range(4):
                post = http.post(f"{busy.url}/v1/chat/completions", json=asked)
                await (await others.enter_async_context(post)).content.readany()
            await nodes.probe(http)
            assert {await picked(nodes, Need(f"{n}")) for n in range(8)} == {"quiet"}


async def test_a_loading_node_is_better_news_than_a_dead_one(http: aiohttp.ClientSession) -> None:
    with fake_node(wait_for=503, loading=3600) as loading:
        nodes = Nodes([GONE, loading])
        await nodes.probe(http)
        assert nodes.state().state == "loading"
        with pytest.raises(EngineError) as caught:
            await picked(nodes)
    assert caught.value.code == "engine_loading"


async def test_no_nodes_at_all_is_down() -> None:
    with pytest.raises(EngineError) as caught:
        await picked(Nodes())
    assert caught.value.code == "engine_down"
    assert Nodes().state().state == "down"


async def test_a_node_nobody_has_looked_at_is_tried() -> None:
    nodes = Nodes([GONE])
    assert nodes.state().state == "loading"
    assert await picked(nodes) == "gone"
