"""A line of old is known by its poet, also with another character or with marks; a new one is not."""

import pytest

from inference.verse import known
from inference.verse.known import Source


@pytest.mark.parametrize(
    ("line", "author", "title"),
    [
        ("白日依山尽", "王之涣", "登鹳雀楼"),
        ("千山鸟飞绝，", "柳宗元", "江雪"),
        ("国破山河在。", "杜甫", "春望"),
        ("疏影横斜水清浅，暗香浮动月黄昏。", "林逋", ""),
    ],
)
def test_whose_it_is(line: str, author: str, title: str) -> None:
    found = known.source(line)
    assert found is not None
    assert found.author == author
    assert title in found.title


def test_one_character_other_is_known_still_and_two_are_not() -> None:
    assert known.source("床前明月光") == Source("李白", "静夜思", "床前看月光")
    for line in ("黄日依山尽", "白日依山远"):
        found = known.source(line)
        assert found is not None
        assert found.line == "白日依山尽"
    assert known.source("黄日依山远") is None


@pytest.mark.parametrize(
    "line", ["", "。", "白日", "湖上今晨无一事", "The lake in the morning", "昨夜服务器又停了一回"]
)
def test_what_is_new_or_too_short_has_no_source(line: str) -> None:
    assert known.source(line) is None


def test_every_row_of_the_table_is_read() -> None:
    lines = known._exact()
    assert len(lines) > 50_000
    assert {len(found.line) >= known.SHORTEST for found in lines.values()} == {True}
