"""The checker on verse of the Tang, whose faults are known, and on verse broken on purpose."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.verse.check import SIZES, Fault, check
from inference.verse.readings import rhymes_of, tone

TANG: list[dict[str, Any]] = json.loads(Path(__file__).with_name("tang.json").read_text("utf-8"))
SPRING = "国破山河在，城春草木深。感时花溅泪，恨别鸟惊心。烽火连三月，家书抵万金。白头搔更短，浑欲不胜簪。"
TOWER = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"


def faults(text: str, form: str, *, plain: bool = False, strict: bool = False) -> list[Fault]:
    return list(check(text, form, plain=plain, strict=strict).faults)


@pytest.mark.parametrize("poem", TANG, ids=lambda poem: f"{poem['author']} {poem['title']}")
def test_a_tang_poem_is_judged_as_its_metre_is_known(poem: dict[str, Any]) -> None:
    verdict = check(poem["text"], poem["form"])
    assert [[fault.code, fault.line, fault.place] for fault in verdict.faults] == poem["faults"]
    assert (verdict.opening, verdict.rhyme) == (poem["opening"], poem["rhyme"])
    assert verdict.right == (not poem["faults"])
    assert check(poem["text"], poem["form"], plain=True).right == poem["plain"]


def test_what_is_plainly_right_is_usually_right_and_what_is_strictly_right_is_both() -> None:
    assert all(not poem["faults"] for poem in TANG if poem["plain"])
    assert sum(poem["plain"] for poem in TANG) > 30
    assert all(poem["plain"] for poem in TANG if check(poem["text"], poem["form"], strict=True).right)


@pytest.mark.parametrize(
    ("line", "broken", "expected"),
    [
        ("更上一层楼", "再上一层楼台", Fault("字数", 4)),
        ("黄河入海流", "黄河流入海", Fault("平仄", 2, 5)),
        ("欲穷千里目", "欲看山里目", None),
        ("欲穷千里目", "欲望千里目", None),
        ("欲穷千里目", "欲上千里目", Fault("平仄", 3, 2)),
        ("黄河入海流", "大河入海流", Fault("孤平", 2, 1)),
        ("黄河入海流", "大河归海流", None),
        ("更上一层楼", "更上山层楼", Fault("三平调", 4, 3)),
        ("更上一层楼", "更上一层山", Fault("出韵", 4, 5)),
        ("更上一层楼", "更上一层流", Fault("重韵", 4, 5)),
    ],
)
def test_a_broken_line_has_its_fault_at_its_place(line: str, broken: str, expected: Fault | None) -> None:
    assert faults(TOWER, "wujue") == []
    assert faults(TOWER.replace(line, broken), "wujue") == ([expected] if expected else [])


def test_couplets_that_do_not_answer_and_do_not_stick_are_told_from_wrong_tones() -> None:
    one, two, _, four = (f"{line}，" for line in TOWER.rstrip("。").replace("。", "，").split("，"))
    again = one.replace("尽", "去")
    assert faults(one + four + again + two, "wujue") == [Fault("失对", 2)]
    assert faults(one + two + again + two.replace("流", "楼"), "wujue") == [Fault("失粘", 3)]


def test_a_rescued_tone_passes_by_the_usual_rules_only() -> None:
    plains = "向晚意不适，驱车登古原。夕阳无限好，只是近黄昏。"
    assert faults(plains, "wujue") == []
    assert faults(plains, "wujue", plain=True) == [Fault("三仄尾", 1, 3), Fault("平仄", 1, 4)]
    assert faults(plains.replace("登", "上"), "wujue") == [Fault("平仄", 1, 4)]


def test_a_rescue_within_the_line_begins_level() -> None:
    text = "水天白云渺，月夜故人稀。小径通幽处，孤灯照客衣。"
    assert faults(text, "wujue") == [Fault("平仄", 1, 4)]
    assert faults(text.replace("水天", "江天"), "wujue") == []
    assert faults(text.replace("水天", "看天"), "wujue") == []  # 看 may be level
    longer = "{}凉水天白云渺，今宵月夜故人稀。曾经小径通幽处，依旧孤灯照客衣。"
    assert Fault("平仄", 1, 6) in faults(longer.format("凄"), "qijue")


def test_strictly_the_first_third_and_fifth_places_have_their_tones_too() -> None:
    assert faults(TOWER, "wujue", plain=True) == []
    assert faults(TOWER, "wujue", strict=True) == [Fault("平仄", 3, 1)]
    odd = "清秋天际远，迢递起层阴。远水兼天净，孤城隐雾深。"
    assert faults(odd, "wujue", plain=True) == []
    assert faults(odd, "wujue", strict=True) == [Fault("平仄", 2, 1)]
    told = check(TOWER, "wujue", strict=True).lines
    assert [line.wanted for line in told] == ["仄仄平平仄", "平平仄仄韵", "平平平仄仄", "仄仄仄平韵"]


@pytest.mark.parametrize("place", [0, 2, 4, 7, 9, 11, 14, 16, 18, 21, 23, 25])
def test_strictly_each_odd_place_of_a_line_of_seven_is_judged(place: int) -> None:
    text = "仄仄平平仄仄平平平仄仄仄平平平平仄仄平平仄仄仄平平仄仄平".replace("仄", "月").replace("平", "天")
    other = text[:place] + {"月": "天", "天": "月"}[text[place]] + text[place + 1 :]
    told, broken = (faults(each, "qijue", strict=True) for each in (text, other))
    assert {fault.code for fault in told} == {"重韵"}
    (fault,) = set(broken) - set(told)
    assert (fault.line, fault.place) == (place // 7 + 1, place % 7 + 1)


@pytest.mark.parametrize("text", ["看看看看看，" * 3 + "看看看看看。"])
def test_strictly_what_may_be_read_either_way_fits(text: str) -> None:
    assert {fault.code for fault in faults(text, "wujue", strict=True)} <= {"重韵"}


def test_a_neighbouring_rhyme_may_open_a_poem_by_the_usual_rules_only() -> None:
    text = "月黑雁飞来，单于夜遁逃。欲将轻骑逐，大雪满弓刀。"
    assert faults(text, "wujue") == [Fault("出韵", 1, 5)]
    near = "月黑雁飞宵，单于夜遁逃。欲将轻骑逐，大雪满弓刀。"
    assert faults(near, "wujue") == []
    assert faults(near, "wujue", plain=True) == [Fault("出韵", 1, 5)]


def test_too_few_lines_is_a_fault_of_the_whole_poem() -> None:
    verdict = check(TOWER, "wulv")
    assert verdict.faults == (Fault("字数"),)
    assert (verdict.opening, verdict.rhyme) == ("", "")


@pytest.mark.parametrize("mark", ["，", "\n", "  ", "、", ", ", "！\n"])
def test_the_marks_between_lines_do_not_matter(mark: str) -> None:
    assert check(SPRING.replace("，", mark).replace("。", mark), "wulv").right


def test_a_poem_without_any_mark_is_cut_at_its_measure() -> None:
    assert check("".join(char for char in SPRING if char not in "，。"), "wulv").right


def test_traditional_script_is_read_too() -> None:
    verdict = check(
        "國破山河在，城春草木深。感時花濺淚，恨別鳥驚心。烽火連三月，家書抵萬金。白頭搔更短，渾欲不勝簪。", "wulv"
    )
    assert verdict.right
    assert "？" not in "".join(line.tones for line in verdict.lines)


def test_each_character_has_its_tone_beside_what_the_metre_wants() -> None:
    first, second, *_ = check(TOWER, "wujue").lines
    assert (first.tones, first.wanted) == ("仄仄平平仄", "·仄平平仄")
    assert (second.tones, second.wanted) == ("平平仄仄平", "平平·仄韵")


@pytest.mark.parametrize(
    ("char", "heard"), [("风", "平"), ("月", "仄"), ("看", "通"), ("虫", "平"), ("听", "通"), ("咖", "？"), ("a", "？")]
)
def test_a_character_has_one_tone_both_or_none_that_is_known(char: str, heard: str) -> None:
    assert tone(char) == heard


def test_a_character_belongs_to_the_rhymes_of_all_its_level_readings() -> None:
    assert rhymes_of("东") == {"东"}
    assert rhymes_of("冬") == {"冬"}
    assert rhymes_of("月") == frozenset()


@settings(deadline=None)
@given(st.text(st.sampled_from("春风月看a咖，。\n "), max_size=70), st.sampled_from(sorted(SIZES)), st.booleans())
def test_any_text_is_judged_and_the_verdict_can_be_kept(text: str, form: str, strict: bool) -> None:
    verdict = check(text, form, strict=strict)
    assert verdict.right == (not verdict.faults)
    kept = orjson.loads(orjson.dumps(verdict))
    assert kept["form"] == form
    assert len(kept["faults"]) == len(verdict.faults)
