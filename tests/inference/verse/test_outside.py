"""Thousands of regulated poems that the maker allows, no model between: both our checker and somebody else's agree."""

import pytest

from inference.verse import check, metre
from inference.verse.books import rhymes
from inference.verse.metre import OPENINGS, Tune
from tests.inference.verse import outside
from tests.inference.verse.spelling import spelled

TANG = "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"


@pytest.mark.parametrize("form", check.SIZES)
def test_two_checkers_agree_on_poems_of_every_opening_and_rhyme(form: str) -> None:
    lines, characters = check.SIZES[form]
    tunes = [Tune(opening, rhyme, deal) for deal in range(5) for opening in OPENINGS[characters] for rhyme in rhymes()]
    assert len(tunes) == 600
    for seed, tune in enumerate(tunes):
        poem = spelled(metre.poem(lines, characters, tune), seed)
        assert check.check(poem, form, plain=True).right, poem
        assert outside.faults(poem) == [], poem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("楼", "霜", "must rhyme"), ("更上", "更高", "opposite tones"), ("目", "心", "must end with a ze")],
)
def test_the_other_checker_finds_what_is_wrong(old: str, new: str, said: str) -> None:
    assert outside.faults(TANG) == []
    (fault,) = outside.faults(TANG.replace(old, new))
    assert said in fault
