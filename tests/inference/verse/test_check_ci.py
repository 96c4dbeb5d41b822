"""The checker of 词 on what Song poets wrote, on verse broken on purpose, and beside the makers' book of tunes."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference.verse import cipu
from inference.verse.check import Fault
from inference.verse.check_ci import check, tunes
from inference.verse.registry import CI

SONGS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("songs.json").read_text("utf-8"))
DREAM = "常记溪亭日暮，沉醉不知归路。兴尽晚回舟，误入藕花深处。争渡，争渡，惊起一滩鸥鹭。"
PRINCE = "郁孤台下清江水，中间多少行人泪。西北望长安，可怜无数山。青山遮不住，毕竟东流去。江晚正愁余，山深闻鹧鸪。"
MOON = (
    "明月别枝惊鹊，清风半夜鸣蝉。稻花香里说丰年，听取蛙声一片。"
    "七八个星天外，两三点雨山前。旧时茅店社林边，路转溪桥忽见。"
)
RIVER = "江南好，风景旧曾谙。日出江花红胜火，春来江水绿如蓝。能不忆江南？"


def faults(text: str, form: str) -> list[Fault]:
    return list(check(text, form).faults)


@pytest.mark.parametrize("song", SONGS, ids=lambda song: f"{song['author']} {song['poem'][:7]}")
def test_a_song_is_judged_as_its_tune_is_known(song: dict[str, Any]) -> None:
    verdict = check(song["poem"].replace("/", "，"), song["form"])
    assert [[fault.code, fault.line, fault.place] for fault in verdict.faults] == song["faults"]
    assert verdict.rhyme == song["rhyme"]
    assert verdict.right == (not song["faults"])


def test_songs_of_many_tunes_are_among_them_and_most_are_right() -> None:
    assert len({song["form"] for song in SONGS}) > 12
    assert sum(not song["faults"] for song in SONGS) > 25


@pytest.mark.parametrize(
    ("form", "poem", "line", "broken", "expected"),
    [
        ("rumengling", DREAM, "沉醉不知归路", "沉醉不知归", [Fault("字数", 2)]),
        ("rumengling", DREAM, "沉醉不知归路", "沉来不知归路", [Fault("平仄", 2, 2)]),
        ("rumengling", DREAM, "误入藕花深处", "误入藕花深夜", [Fault("出韵", 4, 6, "第四部")]),
        ("rumengling", DREAM, "误入藕花深处", "误入藕花深路", [Fault("重韵", 4, 6)]),
        ("rumengling", DREAM, "争渡，争渡", "争渡，归去", [Fault("叠句", 6, what="争渡")]),
        ("pusaman", PRINCE, "可怜无数山", "可怜无数川", []),
        ("pusaman", PRINCE, "可怜无数山", "可怜无数花", [Fault("出韵", 3, 5, "第十部")]),
        ("xijiangyue", MOON, "听取蛙声一片", "听取蛙声一曲", [Fault("出韵", 4, 6, "第七部")]),
        ("xijiangyue", MOON, "听取蛙声一片", "听取蛙声一天", [Fault("平仄", 4, 6)]),
        ("yijiangnan", RIVER, "能不忆江南", "能不忆西湖", [Fault("出韵", 5, 5, "第十四部")]),
        ("yijiangnan", RIVER, "风景旧曾谙", "风景旧谙曾", [Fault("出韵", 2, 5, "第十四部")]),
    ],
)
def test_a_broken_line_has_its_fault_at_its_place(
    form: str, poem: str, line: str, broken: str, expected: list[Fault]
) -> None:
    assert faults(poem, form) == []
    assert faults(poem.replace(line, broken), form) == expected


def test_a_poem_whose_rhyme_stays_where_it_should_change_is_told_so() -> None:
    stays = PRINCE.replace("西北望长安，可怜无数山", "西北望长堤，可怜无数水")
    assert faults(stays, "pusaman") == [Fault("换韵", 4, 5)]


def test_the_tones_that_are_wanted_mark_level_and_oblique_rhymes() -> None:
    wanted = [line.wanted for line in check(MOON, "xijiangyue").lines]
    assert wanted[:4] == ["·仄·平·仄", "·平·仄平韵", "·平·仄仄平韵", "·仄·平·叶"]


def test_a_poem_without_marks_is_cut_by_its_tune() -> None:
    bare = "".join(char for char in DREAM if char not in "，。")
    assert check(bare, "rumengling").lines == check(DREAM, "rumengling").lines


def test_a_poem_of_another_size_names_the_lines_that_are_wrong() -> None:
    assert faults("常记溪亭日暮，沉醉不知归路。", "rumengling") == [Fault("字数")]
    assert faults("", "rumengling") == [Fault("字数")]


def test_every_tune_of_the_register_has_a_pattern() -> None:
    assert set(tunes()) == set(CI)
    assert all(line.tones for sorts in tunes().values() for tune in sorts for line in tune)


def test_no_place_in_the_book_of_tunes_is_freer_than_what_song_poets_did() -> None:
    for form, book in cipu.patterns().items():
        sizes = [len(line.tones) for line in book.lines]
        tune = next(tune for tune in tunes()[form] if [len(line.tones) for line in tune] == sizes)
        assert [bool(line.rhyme) for line in book.lines] == [line.rhyme > 0 for line in tune], form
        for ours, theirs in zip(book.lines, tune, strict=True):
            pairs = zip(ours.tones, theirs.tones, strict=True)
            assert all(judged in {made, "·"} for made, judged in pairs), (form, ours.tones, theirs.tones)
