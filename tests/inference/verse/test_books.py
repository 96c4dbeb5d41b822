"""The checker's three rhyme books, and verse that is right by one and not by another."""

import pytest

from inference.verse import books
from inference.verse.check import Fault, check
from inference.verse.readings import CILIN, EITHER, PINGSHUI, XINYUN, names, part_name, readings, rhymes_of, tone

TOWER = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
PALACE = "寥落古行宫，宫花寂寞红。白头宫女在，闲坐说玄宗。"  # 宫 and 红 are 东, 宗 is 冬


@pytest.mark.parametrize(
    ("char", "book", "expected"),
    [
        ("东", PINGSHUI, {("平", "东")}),
        ("东", CILIN, {("平", "第一部")}),
        ("冬", CILIN, {("平", "第一部")}),
        ("送", CILIN, {("仄", "第一部")}),
        ("元", CILIN, {("平", "第七部")}),
        ("门", CILIN, {("平", "第六部")}),
        ("回", CILIN, {("平", "第三部")}),
        ("来", CILIN, {("平", "第五部")}),
        ("会", CILIN, {("仄", "第三部")}),
        ("带", CILIN, {("仄", "第五部")}),
        ("佳", CILIN, {("平", "第十部")}),
        ("街", CILIN, {("平", "第五部")}),
        ("话", CILIN, {("仄", "第十部")}),
        ("月", CILIN, {("仄", "第十八部")}),
        ("国", CILIN, {("仄", "第十七部")}),
        ("國", CILIN, {("仄", "第十七部")}),
        ("国", XINYUN, {("平", "波")}),
        ("月", XINYUN, {("仄", "皆")}),
        ("诗", XINYUN, {("平", "支")}),
        ("鱼", XINYUN, {("平", "齐")}),
        ("儿", XINYUN, {("平", "齐")}),
        ("东", XINYUN, {("平", "庚")}),
        ("灯", XINYUN, {("平", "庚")}),
    ],
)
def test_a_character_has_its_tone_and_rhyme_in_each_book(char: str, book: str, expected: set[tuple[str, str]]) -> None:
    assert readings(char, book) == expected


def test_the_books_have_as_many_rhymes_as_they_are_known_for() -> None:
    assert (len(names(PINGSHUI)), len(names(CILIN)), len(names(XINYUN))) == (30, 19, 14)
    assert (part_name(1), part_name(10), part_name(19)) == ("第一部", "第十部", "第十九部")


def test_a_character_that_entered_is_oblique_of_old_and_level_today() -> None:
    assert (tone("白"), tone("白", XINYUN)) == ("仄", "平")
    assert (tone("看"), tone("中", XINYUN), tone("〇")) == ("通", "通", "？")


def test_rhymes_are_told_by_tone() -> None:
    assert rhymes_of("处", CILIN, "仄") == {"第四部"}
    assert rhymes_of("处", CILIN) == frozenset()


def test_rhymes_that_later_books_merged_are_right_by_those() -> None:
    assert check(PALACE, "wujue").faults == (Fault("出韵", 4, 5),)
    assert check(PALACE, "wujue", book=CILIN).faults == ()
    assert check(PALACE, "wujue", book=CILIN).rhyme == "第一部"


def test_verse_of_the_tang_is_judged_by_how_it_is_read_today_if_that_is_asked() -> None:
    verdict = check(TOWER, "wujue", book=XINYUN)
    assert verdict.rhyme == "尤"
    assert verdict.lines[0].tones == "平仄平平仄"


def test_a_rhyme_that_was_asked_for_is_the_one_that_counts() -> None:
    assert check(TOWER, "wujue", rhyme="尤").right
    asked = check(TOWER, "wujue", rhyme="东")
    assert asked.faults == (Fault("出韵", 2, 5), Fault("出韵", 4, 5))
    assert asked.rhyme == "东"


def test_what_the_two_books_take_for_a_character_of_two_tones_is_as_it_is_told() -> None:
    """The maker drops a reading that verse hardly shows; the checker believes it. docs/verse.md tells how many."""
    made = books.readings(PINGSHUI)
    either = {char for char, has in made.items() if "仄" in has and len(has) > 1}
    doubtful = {char for char in made.keys() - either if tone(char, PINGSHUI) == EITHER}
    assert (len(made), len(either), len(doubtful)) == (3010, 152, 106)
    assert set("中空间王望几只要") <= doubtful
