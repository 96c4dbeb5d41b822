"""Forms: what the constraint allows and what the checker accepts are the same texts, written twice."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inference.verse.characters import HAN, LAST, LEANING
from inference.verse.example import beginnings
from inference.verse.forms import FORMS, conforms, follow
from inference.verse.held import Held
from inference.verse.plain import SHAPES
from inference.verse.shape import NoSuchBeginning, regex

POEMS = {
    ("wujue", "zh"): "晨雾起平湖，\n轻舟入画图。\n一声何处笛，\n吹破水中芦。",
    ("qijue", "zh"): "雨过江村水拍堤，\n新秧叶叶带烟低。\n渔翁收网归来晚，\n一路蛙声送到西。",
    (
        "wulv",
        "zh",
    ): "落叶无人扫，\n空山一磬清。\n云归松影湿，\n露冷菊花明。\n石径通深竹，\n柴门对远城。\n僧来携一犬，\n坐久月初生。",
    (
        "qilv",
        "zh",
    ): "平湖未晓雾如烟，\n一棹摇开水底天。\n宿鸟惊飞芦叶动，\n残星欲落钓灯悬。\n"
    "风来远浦闻鱼跃，\n日上前山见鹭眠。\n莫问人间何岁月，\n荷香已满采菱船。",
    ("haiku", "zh"): "夏夜井台凉\n萤火虫飞过篱笆\n妹妹数星星",
    ("haiku", "en"): "The old shelter leaks\nrain is counting itself out\non a plastic chair",
    ("free", "zh"): "水壶先醒，\n在蓝色的火上自言自语。\n\n窗玻璃蒙着雾，它不说话\n我写下一个字，\n又看它慢慢流走",
    (
        "free",
        "en",
    ): "Someone has left a light on\nin the bakery: the street\n\nis blue, it's six\nand she hums;\nwho hears?",
    (
        "english",
        "en",
    ): "The gate is wet.\nA snail has signed the wood,\nI stand a while\nand watch the dark-eyed field.",
}
KEYS = sorted(POEMS)
short_han = st.text(st.sampled_from(HAN), max_size=18)
verses = st.lists(
    st.one_of(
        st.builds(
            lambda body, last, end: body + last + end,
            st.text(st.sampled_from(HAN), min_size=3, max_size=7),
            st.sampled_from(LAST + LEANING),
            st.sampled_from(["", "，", "。", "？"]),
        ),
        st.builds(
            lambda words, end: " ".join(words) + end,
            st.lists(
                st.sampled_from(["Rain", "rain,", "it's", "a", "so", "self-same", "leaf:"]), min_size=1, max_size=8
            ),
            st.sampled_from(["", ".", ",", ";", "!"]),
        ),
        short_han,
    ),
    max_size=9,
)


def pattern(form: str, written: str = "", language: str = "zh") -> str:
    return regex(follow(Held(form, language), written))


def matches(form: str, text: str, language: str) -> bool:
    return re.fullmatch(pattern(form, language=language), text) is not None


def test_every_form_has_a_shape_in_every_language_it_is_written_in() -> None:
    written = {
        (form, language)
        for form in FORMS
        for language in ("zh", "en")
        if FORMS[form].language in {None, language} and FORMS[form].family not in {"ci", "duilian", "english"}
    }
    assert written == set(POEMS)


@pytest.mark.parametrize("key", KEYS)
def test_a_good_poem_fits_its_form(key: tuple[str, str]) -> None:
    form, language = key
    assert conforms(form, POEMS[key], language)
    assert matches(form, POEMS[key], language)


@pytest.mark.parametrize("key", KEYS)
def test_after_every_beginning_of_a_poem_exactly_its_rest_may_follow(key: tuple[str, str]) -> None:
    form, language = key
    poem = POEMS[key]
    for place in range(len(poem) + 1):
        rest = re.compile(pattern(form, poem[:place], language))
        assert rest.fullmatch(poem[place:])
        if FORMS[form].characters:
            assert not rest.fullmatch(poem[place:] + "湖")
            assert place == len(poem) or not rest.fullmatch(poem[place + 1 :])


def test_nothing_may_follow_a_whole_quatrain() -> None:
    assert pattern("wujue", POEMS["wujue", "zh"]) == ""


def test_a_form_with_its_own_language_keeps_it_whatever_was_asked() -> None:
    assert pattern("wujue", language="en") == pattern("wujue", language="zh")


@pytest.mark.parametrize("written", ["a", "，", "晨雾起平湖。", "晨雾起平湖，轻", "晨雾起平湖，\n\n"])
def test_what_is_no_beginning_is_refused(written: str) -> None:
    with pytest.raises(NoSuchBeginning):
        pattern("wujue", written)


# A regular expression does not count syllables; test_english.py holds those that do to their judge.
SPELLED = [key for key in KEYS if key != ("haiku", "en")]


@given(st.sampled_from(SPELLED), st.data())
def test_the_constraint_and_the_checker_agree_on_mutated_poems(key: tuple[str, str], data: st.DataObject) -> None:
    form, language = key
    text = POEMS[key]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 3)))
        put = data.draw(st.text(st.sampled_from("湖的，。、；？\n aZ',.;:-!*#3髃"), max_size=3))
        text = text[:start] + put + text[end:]
    assert matches(form, text, language) == conforms(form, text, language), text


UNLIKE = [("free", "zh"), ("free", "en"), ("haiku", "zh")]


@pytest.mark.parametrize("key", UNLIKE)
def test_no_line_begins_as_one_of_the_example_does_nor_as_of_any_morning(key: tuple[str, str]) -> None:
    form, language = key
    lines = POEMS[key].split("\n")
    assert matches(form, POEMS[key], language)
    for beginning in beginnings(form, language):
        for at, line in enumerate(lines):
            if line:
                text = "\n".join([*lines[:at], beginning + line[len(beginning) :], *lines[at + 1 :]])
                assert not matches(form, text, language), text
    assert any(conforms(form, begun + POEMS[key][len(begun) :], language) for begun in beginnings(form, language))


@given(st.sampled_from(SPELLED), verses)
def test_the_constraint_and_the_checker_agree_on_invented_texts(key: tuple[str, str], lines: list[str]) -> None:
    text = "\n".join(lines)
    worn = tuple(beginnings(*key)) if key in UNLIKE else ()
    assume(not any(line.startswith(worn) for line in lines))  # right, and yet never made
    assert matches(key[0], text, key[1]) == conforms(key[0], text, key[1]), text


def test_a_pattern_uses_nothing_but_the_common_subset_of_regular_expressions() -> None:
    for form, language in SHAPES:
        written = re.sub(r"\[(?:\\.|[^\]])*\]", "", pattern(form, language=language))
        assert not re.search(r"\(\?[^:]|\\[^n.?{}\[\]]|[*+^$]", written)


def test_a_line_of_fixed_length_never_ends_in_a_word_that_leans_on_the_next() -> None:
    assert not conforms("haiku", "细雨湿青的\n一只蜗牛背着家\n慢慢过石缝")


def test_only_simplified_everyday_characters_are_written() -> None:
    assert 3700 < len(HAN) < 4300
    assert set("湖山霁涟") <= set(HAN)
    assert not set("龍門風鬱") & set(HAN)
