"""A child that takes for ever: ended by the clock, by its share of the processor, or when whoever asked has gone."""

import psutil
import pytest

from inference.vision import cell
from inference.vision.opening import Gate, NotOpened
from tests.inference.vision.test_gate import saved

ENDLESS = "tests.inference.vision.endless"


async def test_the_clock_ends_it_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "WITHIN", 1.0)
    with pytest.raises(cell.Ended) as caught:
        await cell.run(ENDLESS, given=b"")
    assert caught.value.slow
    assert not [each for each in psutil.Process().children() if ENDLESS in " ".join(each.cmdline())]


async def test_its_share_of_the_processor_ends_it() -> None:
    with pytest.raises(cell.Ended) as caught:
        await cell.run(ENDLESS, "1", given=b"")
    assert caught.value.slow


async def test_one_that_never_stops_talking_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "WITHIN", 600.0)
    with pytest.raises(cell.Ended) as caught:
        await cell.run(ENDLESS, "flood", given=b"")
    assert not caught.value.slow
    assert not [each for each in psutil.Process().children() if ENDLESS in " ".join(each.cmdline())]


async def test_one_that_does_not_listen_is_heard() -> None:
    assert await cell.run("tests.inference.vision.deaf", given=b"a" * (12 << 20)) == b"enough"


async def test_a_picture_that_takes_for_ever_is_refused_in_those_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "WITHIN", 0.01)  # less than any process takes to start
    gate = Gate()
    with pytest.raises(NotOpened, match="too_long"):
        await gate.open(saved("JPEG"))
    monkeypatch.undo()
    assert (await gate.open(saved("JPEG"))).width  # its seat is free again


async def test_a_child_that_falls_is_no_slow_one() -> None:
    with pytest.raises(cell.Ended) as caught:
        await cell.run("tests.inference.vision.nowhere", given=b"")
    assert not caught.value.slow
