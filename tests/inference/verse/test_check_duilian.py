"""The checker of 对联: pairs that people know, and pairs broken on purpose."""

import pytest

from inference.verse.check import Fault
from inference.verse.check_duilian import check

FIVE = "海内存知己，天涯若比邻。"
SEVEN = "无边落木萧萧下，不尽长江滚滚来。"


@pytest.mark.parametrize(
    "pair",
    [
        FIVE,
        SEVEN,
        "星垂平野阔，月涌大江流。",
        "书山有路勤为径，学海无涯苦作舟。",
        "天增岁月人增寿，春满乾坤福满门。",
        "風聲雨聲讀書聲聲聲入耳，家事國事天下事事事關心。",
        "海内存知己天涯若比邻",
    ],
)
def test_a_pair_that_people_know_is_right(pair: str) -> None:
    assert check(pair).faults == ()


@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        ("海内存知己，天涯比邻。", Fault("字数", 2)),
        ("海内存知己。", Fault("字数")),
        ("天涯若比邻，海内存知己。", Fault("平仄", 1, 5)),
        ("海内存知己，天下若比邻。", Fault("失对", 2, 2)),
        ("海内存知己，天涯若知邻。", Fault("失对", 2, 4)),
        ("海内存知己，天涯存比邻。", Fault("同字", 2, 3, "存")),
        ("疏影横斜水清浅，暗香浮动月黄昏。", Fault("失对", 2, 6)),
        ("海纳百川有容乃大，壁立千仞无欲则刚。", Fault("失对", 2, 2)),
    ],
)
def test_a_pair_that_is_wrong_has_its_fault_at_its_place(pair: str, fault: Fault) -> None:
    assert fault in check(pair).faults


def test_a_pair_of_another_size_than_was_asked_for_is_wrong_in_both_lines() -> None:
    assert check(SEVEN, 7).right
    assert check(SEVEN, 9).faults == (Fault("字数", 1), Fault("字数", 2))


def test_what_the_second_line_wants_is_the_other_tone_of_the_first() -> None:
    assert [line.wanted for line in check(SEVEN).lines] == ["······仄", "·仄·平·仄平"]


def test_a_long_line_is_divided_so_that_least_is_wrong() -> None:
    """Four and seven: the feet of the second part do not stand at the even places of the whole."""
    assert check("水水山山处处明明秀，晴晴雨雨时时好好奇").right
    assert check("五百里滇池奔来眼底，数千年往事注到心头").right
