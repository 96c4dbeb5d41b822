"""A line of old is known by its poet, also with another character or with marks; a new one is not.

Once by the index of all poems, here of a handful of them, and once by the table at hand.
"""

import logging
from pathlib import Path

import pytest

from inference.corpus.building import build
from inference.verse import known
from inference.verse.known import Source
from inference.verse.lines import SHORTEST, Lines
from tests.inference.verse import archive


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No index stands."""
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index of a handful of poems stands."""
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    build(archive.write(tmp_path / "poems.tgz"), known.index_path())
    return known.index_path()


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize(
    ("line", "author", "title"),
    [
        ("白日依山尽", "王之涣", "登鹳雀楼"),
        ("千山鸟飞绝，", "柳宗元", "江雪"),
        ("国破山河在。", "杜甫", "春望"),
        ("國破山河在。", "杜甫", "春望"),
        ("疏影横斜水清浅，暗香浮动月黄昏。", "林逋", ""),
    ],
)
def test_whose_it_is(line: str, author: str, title: str) -> None:
    found = known.source(line)
    assert found is not None
    assert found.author == author
    assert title in found.title


@pytest.mark.usefixtures("at_hand")
def test_one_character_other_is_known_still_and_two_are_not() -> None:
    assert known.source("床前明月光") == Source("李白", "静夜思", "床前看月光", "唐")
    for line in ("黄日依山尽", "白日依山远"):
        found = known.source(line)
        assert found is not None
        assert found.line == "白日依山尽"
    assert known.source("黄日依山远") is None


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize(
    "line", ["", "。", "白日", "湖上今晨无一事", "The lake in the morning", "昨夜服务器又停了一回"]
)
def test_what_is_new_or_too_short_has_no_source(line: str) -> None:
    assert known.source(line) is None


WITHIN = [
    ("国破山河在城春草木深", "国破山河在"),
    ("我说国破山河在", "国破山河在"),
    ("无边落木萧萧下不尽长江滚滚来", "无边落木萧萧下"),
    ("今日重读無邊落木蕭蕭下", "无边落木萧萧下"),
    ("床前明月光疑是地上霜", "疑是地上霜"),
    ("疑是地上霜呢", "疑是地上霜"),
]


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize(("line", "old"), WITHIN)
def test_a_line_inside_a_longer_one_is_known(line: str, old: str) -> None:
    found = known.source(line)
    assert found is not None
    assert found.line == old


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("line", ["我说国破山河又在", "今天早上湖面没有一点风声只有鸟", "床前明月疑是窗外有霜"])
def test_a_longer_line_of_her_own_has_no_source(line: str) -> None:
    assert known.source(line) is None


def test_every_row_of_the_table_is_read() -> None:
    lines = known._exact()
    assert len(lines) > 50_000
    assert {len(found.line) >= SHORTEST for found in lines.values()} == {True}
    assert {found.dynasty for found in lines.values()} == {"唐", "宋"}


# --- by the index ----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("白日依山尽", Source("王之涣", "登鹳雀楼", "白日依山尽", "唐")),
        ("更上一層樓。", Source("王之涣", "登鹳雀楼", "更上一层楼", "唐")),
        ("暗香浮动月黄昏", Source("林逋", "山园小梅", "暗香浮动月黄昏", "宋")),
        ("但愿人长久", Source("苏轼", "水调歌头", "但愿人长久", "宋")),
        ("何事秋风悲画扇", Source("纳兰性德", "木兰花令", "何事秋风悲画扇", "清")),
        ("今晨无事，床前看月光", Source("李白", "静夜思", "床前看月光", "唐")),
    ],
)
def test_the_index_names_the_earliest_and_best_known_poem(line: str, source: Source) -> None:
    assert known.source(line) == source


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("at", range(5))
def test_one_character_other_is_found_at_every_place(at: int) -> None:
    line = "床前看月光"
    found = known.source(line[:at] + "鹅" + line[at + 1 :])
    assert found is not None
    assert found.line == line


@pytest.mark.usefixtures("indexed")
def test_two_characters_other_are_a_new_line() -> None:
    assert known.source("鹅前看月鹅") is None
    assert known.source("鹅" * 7) is None


@pytest.fixture
def some_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index in which people look for few of the poems."""
    monkeypatch.setattr("inference.corpus.building.LOOKED_FOR", {"poet.tang": 2, "poet.song": 1})
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    build(archive.write(tmp_path / "poems.tgz"), known.index_path())


@pytest.mark.usefixtures("some_looked_for")
def test_a_short_line_is_nearly_that_of_a_poem_only_if_people_look_for_the_poem() -> None:
    assert known.source("山僧无一事") == Source("某人", "集句", "山僧无一事", "宋")
    assert known.source("山鹅无一事") is None
    assert known.source("床前明月光") is not None
    assert known.source("暗香浮动鹅黄昏") is not None


@pytest.mark.usefixtures("some_looked_for")
def test_five_characters_inside_a_line_are_old_only_in_a_poem_that_people_look_for() -> None:
    assert known.source("如今山僧无一事") is None
    assert known.source("如今床前看月光") == Source("李白", "静夜思", "床前看月光", "唐")
    assert known.source("我把何事秋风悲画扇写下") == Source("纳兰性德", "木兰花令", "何事秋风悲画扇", "清")


def test_an_index_that_comes_while_we_run_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    assert known.source("何事秋风悲画扇") is None
    build(archive.write(tmp_path / "poems.tgz"), known.index_path())
    assert known.source("何事秋风悲画扇") is not None


def test_a_spoilt_index_is_named_and_the_table_at_hand_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    known.index_path().write_bytes(b"no index at all")
    with caplog.at_level(logging.ERROR):
        assert known.source("白日依山尽") is not None
    assert str(known.index_path()) in caplog.text


def test_lines_are_counted_once_and_rare_characters_do_not_stop_it(indexed: Path) -> None:
    lines = Lines(indexed)
    assert len(lines) == 18
    assert lines.exact("琴瑟友之𠀀窈窕淑女") is not None
    assert lines.exact("在河之洲") is None
