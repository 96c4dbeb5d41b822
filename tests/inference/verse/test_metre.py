"""Verse right by construction: whatever a tune allows, the checker, which knows nothing of it, finds without fault."""

import random
from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.verse import check, metre, shape
from inference.verse.books import readings, rhymes
from inference.verse.characters import HAN, LEANING
from inference.verse.forms import FORMS, conforms
from inference.verse.metre import OPENINGS, Tune
from inference.verse.readings import UNKNOWN, tone
from inference.verse.shape import Chars, NoSuchBeginning, Row

SIZES = check.SIZES
TUNES = [(form, opening) for form, (_, size) in SIZES.items() for opening in OPENINGS[size]]
tunes = st.builds(
    lambda at, rhyme, deal: (at[0], Tune(at[1], rhyme, deal)),
    st.sampled_from(TUNES),
    st.sampled_from(sorted(rhymes())),
    st.integers(0, 1 << 20),
)


def spelled(form: str, tune: Tune, seed: int) -> str:
    """Some poem in the tune, drawn evenly from all."""
    whole = metre.poem(*SIZES[form], tune)
    assert isinstance(whole, Row)
    dice = random.Random(seed)
    return "".join(dice.choice(members(place)) for place in whole.parts if isinstance(place, Chars))


@cache
def members(place: Chars) -> list[str]:
    return sorted(place.members)


@pytest.mark.parametrize(("form", "opening"), TUNES)
def test_whatever_a_tune_allows_is_plainly_right_in_every_rhyme(form: str, opening: str) -> None:
    for rhyme, deal in product(rhymes(), range(2)):
        poem = spelled(form, Tune(opening, rhyme, deal), deal)
        verdict = check.check(poem, form, plain=True)
        assert verdict.faults == (), (poem, verdict)
        assert verdict.opening == opening
        assert conforms(form, poem)


def test_every_character_of_the_generator_has_a_tone_in_the_book_of_the_checker() -> None:
    assert len(readings("pingshui")) > 3000
    assert [char for char in readings("pingshui") if tone(char) == UNKNOWN] == []
    assert set(readings("pingshui")) <= set(HAN)


@settings(max_examples=20, deadline=None)  # where nothing fits, every tune there is gets tried
@given(tunes, st.integers(0, 99))
def test_after_every_beginning_its_rest_may_follow_and_no_second_rhyme_word(at: tuple[str, Tune], seed: int) -> None:
    form, tune = at
    poem = spelled(form, tune, seed)
    rest = shape.follow(metre.poem(*SIZES[form], tune), poem[: len(poem) // 2])
    assert metre.follow(*SIZES[form], tune, poem[: len(poem) // 2]) == rest
    assert metre.follow(*SIZES[form], tune, poem) == shape.EMPTY
    size = SIZES[form][1]
    ends = [line[size - 1] for line in poem.split("\n")]
    assert metre.follow(*SIZES[form], tune, poem[: -len("楼。")]) != shape.EMPTY
    with pytest.raises(NoSuchBeginning):
        metre.follow(*SIZES[form], tune, poem[: -len("楼。")] + ends[1] + "。")


def test_a_poem_begun_in_no_tune_of_ours_goes_on_in_its_own() -> None:
    drawn = Tune("平起入韵", "阳", 0)
    rest = metre.follow(4, 5, drawn, "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层")
    assert {"楼", "秋"} <= shape.heads(rest)
    assert not {"流", "东", "月"} & shape.heads(rest)


def test_a_worn_beginning_is_not_offered_but_goes_on_where_it_stands() -> None:
    drawn = Tune("平起不入韵", "阳", 0)
    assert "夜" not in shape.heads(metre.poem(4, 5, drawn))
    assert "夜" in shape.heads(metre.poem(4, 5, Tune("仄起入韵", "阳", 0)))
    assert metre.follow(4, 5, drawn, "夜深人静处，\n") != shape.NOTHING
    assert shape.heads(metre.poem(4, 5, replace(drawn, placed=((0, 0, "夜深"),)))) == {"夜"}


@pytest.mark.parametrize(
    "written", ["白日依山光", "黄河黄河黄", "abc", "白日依山尽，\n黄河入海山。\n欲穷千里目，\n更上一层楼"]
)
def test_a_beginning_in_no_metre_is_refused(written: str) -> None:
    with pytest.raises(NoSuchBeginning):
        metre.follow(4, 5, Tune("平起入韵", "阳", 0), written)


def test_a_tune_is_drawn_again_from_its_seed_and_others_from_others() -> None:
    drawn = [metre.draw(8, 7, "江上", str(seed)) for seed in range(200)]
    assert drawn == [metre.draw(8, 7, "江上", str(seed)) for seed in range(200)]
    assert {tune.opening for tune in drawn} == set(OPENINGS[7])
    assert len({tune.rhyme for tune in drawn}) > 8
    assert all(len(rhymes()[tune.rhyme]) >= 35 for tune in drawn)


def test_a_wished_word_makes_its_rhyme_likelier() -> None:
    def share(wish: str) -> int:
        return sum(metre.draw(4, 5, wish, str(seed)).rhyme == "侵" for seed in range(300))

    assert share("琴与林") > 2 * share("早起")


def test_every_line_of_every_rhyme_has_words_to_choose_from_and_none_that_leans() -> None:
    for form, opening in TUNES:
        for rhyme in rhymes():
            whole = metre.poem(*SIZES[form], Tune(opening, rhyme, 1))
            assert isinstance(whole, Row)
            assert all(place.members for place in whole.parts if isinstance(place, Chars))
    assert not set("".join(rhymes().values())) & set(LEANING)


def test_the_forms_that_are_regulated_are_those_that_can_be_judged() -> None:
    assert {(name, form.lines, form.characters) for name, form in FORMS.items() if form.regulated} == {
        (name, *size) for name, size in SIZES.items()
    }


def test_both_ways_to_say_a_tune_are_short_enough_to_be_read_at_once() -> None:
    whole = metre.poem(8, 7, Tune("平起入韵", "阳", 0))
    assert len(shape.lark(whole)) < 20_000
    assert len(shape.regex(whole)) < 120_000
