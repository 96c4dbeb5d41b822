"""The lessons: every form has a poem of old, and every pattern stands over a poem that keeps it."""

import re

import pytest

from inference.verse import books
from inference.verse.check import SIZES, check
from inference.verse.english_check import judge
from inference.verse.naming import rhyme_name
from inference.verse.readings import tone
from inference.verse.registry import FORMS
from inference.verse.teaching import Lesson, lessons

FITS = {"○": "平通？", "△": "平通？", "●": "仄通？", "▲": "仄通？", "⊙": "平仄通？"}
MARKS = "，。？！、"
REGULATED = [form.name for form in FORMS.values() if form.regulated]


def bare(lesson: Lesson) -> list[tuple[str, str]]:
    """Each line without its mark, and its signs."""
    return [(line.text.rstrip(MARKS), line.marks) for line in lesson.lines if line.text]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", ["zh", "en"])
def test_every_form_has_a_poem_of_old(form: str, reader: str) -> None:
    for lesson in lessons(form, reader):
        assert lesson.author
        assert lesson.title
        assert lesson.when
    count = sum(bool(line.text) for line in lessons(form, reader)[0].lines)
    assert count == (FORMS[form].lines or count)


@pytest.mark.parametrize("form", FORMS)
def test_where_there_is_a_pattern_it_stands_over_every_character_and_the_poem_keeps_it(form: str) -> None:
    for lesson in lessons(form, "zh"):
        for text, marks in bare(lesson):
            if marks:
                assert len(text) == len(marks), (lesson.title, text, marks)
                wrong = [char for char, sign in zip(text, marks, strict=True) if tone(char) not in FITS[sign]]
                assert not wrong, (lesson.title, text, marks, wrong)


@pytest.mark.parametrize("form", REGULATED)
def test_regulated_verse_is_taught_in_all_four_openings_by_poems_that_pass_the_plain_rules(form: str) -> None:
    taught = lessons(form, "zh")
    assert len({lesson.opening for lesson in taught}) == 4
    for lesson in taught:
        verdict = check("".join(text for text, _ in bare(lesson)), form, plain=True)
        assert verdict.right, (lesson.title, verdict.faults)
        assert verdict.opening == lesson.opening


@pytest.mark.parametrize("form", ["couplet", "quatrain", "limerick"])
def test_english_verse_is_taught_by_poems_that_pass_its_checker(form: str) -> None:
    for lesson in lessons(form, "en"):
        text = "\n".join(re.sub(r"[“”—!]", "", line.text).replace("-", " ") for line in lesson.lines)
        assert not judge(form, text).faults, lesson.title
        assert "".join(line.rhyme for line in lesson.lines) == lesson.opening
        assert all(line.size for line in lesson.lines)


def test_the_pattern_of_a_quatrain_is_the_one_in_every_primer() -> None:
    usual = next(lesson for lesson in lessons("wujue", "zh") if lesson.opening == "仄起不入韵")
    assert [marks for _, marks in bare(usual)] == ["⊙●○○●", "○○⊙●△", "⊙○○●●", "⊙●●○△"]
    assert set(SIZES) == set(REGULATED)


@pytest.mark.parametrize(
    ("rhyme", "name"), [("东", "上平一东"), ("删", "上平十五删"), ("阳", "下平七阳"), ("咸", "下平十五咸")]
)
def test_a_rhyme_is_named_as_the_book_counts_it(rhyme: str, name: str) -> None:
    assert rhyme_name(rhyme) == name


def test_a_rhyme_of_putonghua_is_named_with_its_number() -> None:
    assert [rhyme_name(rhyme, "xinyun") for rhyme in ("麻", "唐", "庚", "姑")] == ["一麻", "十唐", "十一庚", "十四姑"]
    assert all(rhyme_name(rhyme, "xinyun") != rhyme for rhyme in books.rhymes("xinyun"))


@pytest.mark.parametrize("other", ["", "第七部", "东冬"])
def test_what_the_book_does_not_count_keeps_its_name(other: str) -> None:
    assert rhyme_name(other) == other
