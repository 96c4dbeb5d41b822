"""Which node gets the next text."""

import aiohttp
import pytest

from inference.engines.base import EngineError, Health, Node
from inference.nodes import Nodes
from tests.processes_inference import fake_node

GONE = Node("gone", "fake", "http://127.0.0.1:9")
OTHER = Node("other", "fake", "http://127.0.0.1:9")
BIG = Node("big", "fake", "http://127.0.0.1:9", capacity=4)


async def test_the_least_loaded_node_for_its_capacity_is_picked() -> None:
    nodes = Nodes([Node("small", "fake", "http://127.0.0.1:9", capacity=1), BIG])
    async with nodes.lease() as first, nodes.lease() as second, nodes.lease() as third:
        assert (first.name, second.name, third.name) == ("small", "big", "big")
    assert nodes.pick().name == "small"


async def test_a_lease_is_given_back_whatever_happens() -> None:
    nodes = Nodes([GONE, OTHER])
    with pytest.raises(ValueError, match="anything"):
        async with nodes.lease():
            raise ValueError("anything")
    assert nodes.pick() == GONE


@pytest.mark.parametrize(("code", "state"), [("engine_down", "down"), ("engine_loading", "loading")])
async def test_a_node_that_fails_is_left_alone_at_once(code: str, state: str) -> None:
    nodes = Nodes([GONE, OTHER])
    with pytest.raises(EngineError):
        async with nodes.lease():
            raise EngineError(code)  # type: ignore[arg-type]
    assert [nodes.pick().name for _ in range(3)] == ["other"] * 3
    with pytest.raises(EngineError):
        async with nodes.lease():
            raise EngineError(code)  # type: ignore[arg-type]
    with pytest.raises(EngineError) as caught:
        nodes.pick()
    assert caught.value.code == code
    assert nodes.state().state == state


async def test_one_refused_ask_does_not_take_a_node_away() -> None:
    nodes = Nodes([GONE])
    with pytest.raises(EngineError):
        async with nodes.lease():
            raise EngineError("engine_refused")
    assert nodes.pick() == GONE


async def test_a_probe_finds_out_who_is_there_and_brings_back_who_returns(http: aiohttp.ClientSession) -> None:
    with fake_node(rate=0) as node:
        nodes = Nodes([GONE, node])
        await nodes.probe(http)
        assert nodes.state() == Health("ready", 1.0, 0, 0)
        assert nodes.pick() == node
        with pytest.raises(EngineError):
            async with nodes.lease():
                raise EngineError("engine_down")
        await nodes.probe(http)
        assert nodes.pick() == node
    await nodes.probe(http)
    assert nodes.state().state == "down"


async def test_a_loading_node_is_better_news_than_a_dead_one(http: aiohttp.ClientSession) -> None:
    with fake_node(wait_for=503, loading=3600) as node:
        nodes = Nodes([GONE, node])
        await nodes.probe(http)
        assert nodes.state().state == "loading"
        with pytest.raises(EngineError) as caught:
            nodes.pick()
    assert caught.value.code == "engine_loading"


def test_no_nodes_at_all_is_down() -> None:
    with pytest.raises(EngineError) as caught:
        Nodes([]).pick()
    assert caught.value.code == "engine_down"


def test_a_node_nobody_has_looked_at_is_tried() -> None:
    nodes = Nodes([GONE])
    assert nodes.pick() == GONE
    assert nodes.state().state == "loading"
