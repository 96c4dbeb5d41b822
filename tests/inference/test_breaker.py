"""When a node is left alone, for how long, and which text decides whether it is used again."""

import asyncio

import pytest

from inference.breaker import LONGEST, MOST_FAILURES, SHORTEST, Breaker
from inference.engines.base import EngineError
from inference.nodes import Nodes
from tests.inference.test_nodes import GONE, fail, node, picked


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("code", ["engine_broken", "engine_timeout"])
async def test_a_node_that_fails_again_and_again_is_left_alone_then_tried_once(code: str) -> None:
    clock = Clock()
    nodes = Nodes([GONE], clock)
    for _ in range(MOST_FAILURES):
        await fail(nodes, code)
    with pytest.raises(EngineError):
        await picked(nodes)
    clock.now += SHORTEST
    async with nodes.lease():  # the trial
        second = asyncio.create_task(picked(nodes))
        await asyncio.sleep(0)
        assert not second.done()
    assert await second == "gone"


async def test_a_trial_that_fails_doubles_the_rest() -> None:
    clock = Clock()
    nodes = Nodes([GONE], clock)
    for _ in range(MOST_FAILURES):
        await fail(nodes, "engine_broken")
    clock.now += SHORTEST
    await fail(nodes, "engine_broken")
    clock.now += SHORTEST
    with pytest.raises(EngineError):
        await picked(nodes)
    clock.now += SHORTEST
    assert await picked(nodes) == "gone"
    assert nodes.seats[0].breaker.state == "closed"


@pytest.mark.parametrize("code", ["engine_down", "engine_broken", "engine_timeout"])
async def test_one_death_under_many_texts_is_one_failure(code: str) -> None:
    clock = Clock()
    nodes = Nodes([node("one", 64)], clock)
    dies = asyncio.Event()

    async def text() -> None:
        async with nodes.lease():
            await dies.wait()
            raise EngineError(code)  # type: ignore[arg-type]

    texts = [asyncio.create_task(text()) for _ in range(64)]
    await asyncio.sleep(0)
    dies.set()
    await asyncio.wait(texts)
    assert nodes.seats[0].breaker.until == SHORTEST
    nodes.seats[0].health = None  # somebody has looked, and nothing is wrong
    clock.now += SHORTEST
    assert await picked(nodes) == "one"


def test_a_text_of_before_decides_no_trial() -> None:
    """While the one trial is on, what is left of an earlier spell ends well, ends badly, or is broken off."""
    breaker = Breaker(clock := Clock())
    before = breaker.begin()
    breaker.failed(before, gone=True)
    clock.now += SHORTEST
    trial = breaker.begin()
    breaker.failed(before, gone=True)
    breaker.neither(before)
    breaker.went_well(before)
    assert (breaker.state, breaker.may_ask()) == ("half_open", False)
    breaker.went_well(trial)
    assert breaker.state == "closed"


def test_a_rest_never_grows_beyond_its_limit() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(40):
        breaker.failed(breaker.begin(), gone=True)
    assert breaker.until == clock.now + LONGEST


def test_only_the_first_rest_is_cut_short_by_a_probe() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed(breaker.begin(), gone=True)
    breaker.answers_again()
    assert breaker.may_ask()
    breaker.failed(breaker.begin(), gone=True)
    breaker.answers_again()
    assert not breaker.may_ask()


def test_a_text_that_we_broke_off_says_nothing_of_the_node() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed(breaker.begin(), gone=True)
    clock.now += SHORTEST
    breaker.neither(breaker.begin())
    assert breaker.may_ask()
    assert breaker.state == "half_open"
