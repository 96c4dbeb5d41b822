"""One door to the checkers: every form that has something to judge, and what was asked for besides."""

import random
from dataclasses import replace

import pytest

from inference.verse import forms
from inference.verse.check import Fault
from inference.verse.judging import right, verdict_of
from inference.verse.options import FREE, Options
from inference.verse.registry import CI
from inference.verse.shape import Chars, Either, Row, Run, Shape

TOWER = "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"
DRAWS = 25


def spelled(part: Shape, dice: random.Random) -> str:
    """Some text of a shape, drawn evenly at each place."""
    match part:
        case Chars(members=members):
            return dice.choice(sorted(members))
        case Row(parts=parts):
            return "".join(spelled(each, dice) for each in parts)
        case Either(parts=parts):
            return spelled(dice.choice(parts), dice)
        case Run(part=inner, least=least, most=most):
            return "".join(spelled(inner, dice) for _ in range(dice.randint(least, most)))
    raise AssertionError(part)


@pytest.mark.parametrize("form", [*CI, "duilian", "haiku"])
def test_whatever_the_maker_may_write_the_judge_finds_right(form: str) -> None:
    for seed in range(DRAWS):
        options = Options(size=5 + seed % 7) if form == "duilian" else FREE
        held = forms.draw(form, "zh", "春风明月", f"{form} {seed}", options)
        text = spelled(forms.follow(held), random.Random(seed))
        verdict = verdict_of(form, text, "zh", options)
        assert verdict is not None
        assert verdict.faults == (), text
        assert forms.conforms(form, text, "zh", options)


@pytest.mark.parametrize("book", ["pingshui", "cilin", "xinyun"])
@pytest.mark.parametrize("form", ["wujue", "qilv"])
def test_regulated_verse_is_judged_by_the_book_it_was_asked_in(form: str, book: str) -> None:
    options = Options(book=book, strict=True)
    for seed in range(DRAWS):
        held = forms.draw(form, "zh", "江上晨雾", f"{form} {seed}", options)
        text = spelled(forms.follow(held), random.Random(seed))
        assert right(form, text, options), text


@pytest.mark.parametrize("opening", ["平起不入韵", "平起入韵", "仄起不入韵", "仄起入韵"])
@pytest.mark.parametrize("form", ["wujue", "qijue", "wulv", "qilv"])
def test_whatever_is_made_strictly_is_strictly_right_in_every_opening(form: str, opening: str) -> None:
    options = Options(strict=True)
    for seed in range(DRAWS):
        held = forms.draw(form, "zh", "江上晨雾", f"{form} {seed}", options)
        held = replace(held, drawn={**held.drawn, "opening": opening})
        verdict = verdict_of(form, spelled(forms.follow(held), random.Random(seed)), "zh", options)
        assert verdict is not None
        assert (verdict.faults, verdict.opening) == ((), opening)


@pytest.mark.parametrize("form", ["wujue", "qilv"])
def test_what_she_asks_for_by_name_is_strictly_right_too(form: str) -> None:
    for seed in range(DRAWS):
        options = Options(strict=True, words=("看山", "明月"), rhyme="阳")
        held = forms.draw(form, "zh", "", f"{form} {seed}", options)
        assert right(form, spelled(forms.follow(held), random.Random(seed)), options)


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (Options(head="白黄欲更"), []),
        (Options(head="白黄欲上"), [Fault("藏头", 4, 1, "上")]),
        (Options(words=("千里",)), []),
        (Options(words=("千里", "雪")), [Fault("意象", what="雪")]),
        (Options(pins=((1, "黄河入海流"),)), []),
        (Options(pins=((1, "长河入海流"),)), [Fault("留句", 2, what="长河入海流")]),
        (Options(rhyme="尤韵"), []),
        (Options(rhyme="东"), [Fault("出韵", 2, 5), Fault("出韵", 4, 5)]),
        (Options(rhyme="十二部", book="cilin"), []),
        (Options(script="hant", words=("千里",)), []),
    ],
)
def test_what_was_asked_for_besides_is_judged_too(options: Options, faults: list[Fault]) -> None:
    verdict = verdict_of("wujue", TOWER, "zh", options)
    assert verdict is not None
    assert list(verdict.faults) == faults
    assert right("wujue", TOWER, options) == (not faults)


def test_a_poem_in_traditional_script_is_judged_and_shown_as_it_is_written() -> None:
    verdict = verdict_of(
        "wujue", "白日依山盡，\n黃河入海流。\n欲窮千里目，\n更上一層樓。", "zh", Options(script="hant")
    )
    assert verdict is not None
    assert verdict.right
    assert [line.text for line in verdict.lines][3] == "更上一層樓"


def test_a_haiku_is_judged_by_its_size() -> None:
    verdict = verdict_of("haiku", "古池青蛙跳\n水声\n寂静又回来")
    assert verdict is not None
    assert verdict.faults == (Fault("字数", 2),)


def test_free_verse_has_nothing_to_judge_but_what_was_asked_for() -> None:
    assert verdict_of("free", "今天的雨\n很轻") is None
    assert verdict_of("english", "Rain\nagain", "en") is None
    asked = verdict_of("free", "今天的雨\n很轻", "zh", Options(words=("雪",)))
    assert asked is not None
    assert asked.faults == (Fault("意象", what="雪"),)


LAKE = "湖面忽然明亮，风从山后来，\n我把昨天放下。\n\n水鸟、芦苇\n还在等一个人；"


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (Options(pins=((0, "湖面忽然明亮，风从山后来"),)), []),
        (Options(pins=((0, "湖面忽然明亮，风从山后来"), (1, "我把昨天放下"), (2, "水鸟、芦苇"))), []),
        (Options(pins=((3, "还在等一个人；"),)), []),
        (Options(pins=((1, "风从山后来"),)), [Fault("留句", 2, what="风从山后来")]),
        (Options(pins=((4, "还在等一个人"),)), [Fault("留句", None, what="还在等一个人")]),
        (Options(head="湖我水还"), []),
        (Options(head="湖风我水"), [Fault("藏头", 2, 1, "风"), Fault("藏头", 3, 1, "我"), Fault("藏头", 4, 1, "水")]),
        (Options(words=("山后", "昨天"), pins=((2, "水鸟、芦苇"),)), []),
        (Options(words=("明亮风", "山后")), [Fault("意象", what="明亮风")]),
    ],
)
def test_lines_of_free_verse_are_what_stands_below_one_another(options: Options, faults: list[Fault]) -> None:
    verdict = verdict_of("free", LAKE, "zh", options)
    assert verdict is not None
    assert list(verdict.faults) == faults


def test_free_verse_in_traditional_script_keeps_its_lines_too() -> None:
    options = Options(script="hant", pins=((0, "風從山後來，還沒有人"), (1, "鐘聲")))
    verdict = verdict_of("free", "風從山後來，還沒有人，\n鐘聲。", "zh", options)
    assert verdict is not None
    assert verdict.right
    assert [line.text for line in verdict.lines] == ["風從山後來還沒有人", "鐘聲"]


def test_free_verse_made_around_kept_lines_has_them() -> None:
    lines = ["湖面忽然明亮，风从山后来", "我把昨天放下", "水鸟、芦苇", "还在等一个人"]
    for seed in range(DRAWS):
        options = Options(pins=tuple((at, lines[at]) for at in range(4) if seed >> at & 1))
        held = forms.draw("free", "zh", "湖", str(seed), options)
        text = spelled(forms.follow(held), random.Random(seed))
        assert right("free", text, options), text
        assert forms.conforms("free", text, "zh", options)


def test_english_verse_is_judged_by_its_own_checker() -> None:
    verdict = verdict_of("haiku", "one\ntwo\nthree", "en")
    assert verdict is not None
    assert not verdict.right
