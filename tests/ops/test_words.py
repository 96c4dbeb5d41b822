"""The two tables of sentences: both languages say the same, of the same things."""

import string

import pytest

from inference.models import words as supply_words
from ops import words as house_words

EVERY = [*house_words.SENTENCES.items(), *supply_words.SENTENCES.items()]


@pytest.mark.parametrize(("code", "pair"), EVERY, ids=[code for code, _ in EVERY])
def test_both_languages_name_the_same_things(code: str, pair: tuple[str, str]) -> None:
    english, chinese = ({name for _, name, _, _ in string.Formatter().parse(text) if name} for text in pair)
    assert english == chinese
    assert pair[0].isprintable()
