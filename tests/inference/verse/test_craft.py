"""The craft of lines: each stumble costs, and the better of two is the one that a reader would take."""

import pytest

from inference.verse.craft import STOCK, score

GOOD = "残雪压疏篱，\n微风柳半垂。"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (GOOD, "残雪压残篱，\n微风柳半垂。"),  # a character used up
        (GOOD, "残雪压疏枢，\n微风柳半垂。"),  # an end that hangs on nothing
        (GOOD, "岁月如梭去，\n微风柳半垂。"),  # what everybody says
        (GOOD, "黄河入海流，\n微风柳半垂。"),  # what somebody wrote
        ("萧萧窗下竹", "萧窗下竹萧"),  # a doubled word is no repeat
    ],
)
def test_the_better_of_two(better: str, worse: str) -> None:
    assert score(better) > score(worse)


def test_what_stood_in_the_poem_before_costs_too() -> None:
    assert score(GOOD, "柳下一雀飞，") == pytest.approx(score(GOOD) - 1)


def test_a_line_that_nothing_is_wrong_with_costs_nothing() -> None:
    assert score("柴门人未起，") <= 0
    assert score("") == 0


def test_stock_phrases_are_named_once() -> None:
    assert len(STOCK) == len(set(STOCK))
