"""对联 right by construction: opposed tones, other characters, one end oblique and one level."""

import itertools

import pytest

from inference.verse import readings, shape
from inference.verse.duilian import PATTERNS
from inference.verse.ebnf import ebnf
from inference.verse.forms import conforms, draw, follow, instead
from inference.verse.held import Held
from inference.verse.options import FREE, Impossible, Options
from inference.verse.shape import NoSuchBeginning
from tests.inference.verse.spelling import spelled

SIZES = range(5, 12)


def pair_of(seed: int, options: Options = FREE) -> tuple[Held, str]:
    held = draw("duilian", "zh", "晨雾", str(seed), options)
    return held, spelled(follow(held), seed)


def halves(pair: str) -> tuple[str, str]:
    upper, lower = pair.split("\n")
    return upper[:-1], lower[:-1]


def refused(options: Options) -> tuple[str, str]:
    with pytest.raises(Impossible) as no:
        draw("duilian", "zh", "湖", "1", options)
    return no.value.field, no.value.code


@pytest.mark.parametrize("size", SIZES)
def test_tones_are_opposed_at_every_place_and_no_character_stands_in_the_same_place_of_both(size: int) -> None:
    for seed in range(30):
        _, pair = pair_of(seed, Options(size=size))
        upper, lower = halves(pair)
        assert len(upper) == len(lower) == size
        tones = [(readings.tone(one), readings.tone(other)) for one, other in zip(upper, lower, strict=True)]
        assert {("平", "平"), ("仄", "仄")}.isdisjoint(tones), pair
        assert tones[-1][0] in "仄通"
        assert tones[-1][1] in "平通"
        assert all(one != other for one, other in zip(upper, lower, strict=True))
        assert conforms("duilian", pair, options=Options(size=size))


def test_every_pattern_has_its_size_and_ends_oblique() -> None:
    assert set(PATTERNS) == set(SIZES)
    for size, patterns in PATTERNS.items():
        assert {(len(pattern), pattern[-1]) for pattern in patterns} == {(size, "仄")}


def test_it_has_seven_characters_a_line_where_she_says_nothing() -> None:
    assert len(halves(pair_of(1)[1])[0]) == 7


@pytest.mark.parametrize("size", SIZES)
def test_after_every_beginning_its_rest_may_follow(size: int) -> None:
    held, pair = pair_of(4, Options(size=size))
    rest = follow(held)
    for place, char in enumerate(pair):
        assert follow(held, pair[:place]) == rest
        rest = shape.after(rest, char)
    assert rest == shape.EMPTY


def test_a_first_line_of_hers_is_answered_tone_by_tone() -> None:
    held = draw("duilian", "zh", "山", "1")
    for hers in ("推门忽见山如洗", "日照香炉生紫气", "春风又到溪桥外"):
        lower = spelled(follow(held, f"{hers}，\n"), 1)
        assert conforms("duilian", f"{hers}，\n{lower}")
        _, pair = pair_of(2, Options(pins=((0, hers),)))
        assert halves(pair)[0] == hers
        assert conforms("duilian", pair)
    _, pair = pair_of(2, Options(pins=((1, "扫叶才知雨未干"),)))
    assert halves(pair)[1] == "扫叶才知雨未干"


@pytest.mark.parametrize("written", ["推门忽见山如洗，\n推", "推门忽见山如云，", "推门忽见山如洗日"])
def test_what_is_no_beginning_of_a_pair_is_refused(written: str) -> None:
    with pytest.raises(NoSuchBeginning):
        follow(draw("duilian", "zh", "山", "1"), written)


def test_either_line_may_be_another_one() -> None:
    for seed in range(8):
        held, pair = pair_of(seed)
        for at, mark in enumerate("，。"):
            line = spelled(instead(held, pair, at), seed)
            assert line[-1] == mark
            assert line[0] != pair.split("\n")[at][0]
            lines = [line if each == at else old for each, old in enumerate(pair.split("\n"))]
            assert conforms("duilian", "\n".join(lines))


def test_when_a_kept_line_is_swapped_the_other_may_be_too() -> None:
    for seed, at in itertools.product(range(3), (0, 1)):
        hers = ("春风又过江南岸", "扫叶才知雨未干")[at]
        held, pair = pair_of(seed, Options(pins=((at, hers),), words=(hers[1:3],)))
        lines = pair.split("\n")
        for place in (at, 1 - at):
            lines[place] = spelled(instead(held, "\n".join(lines), place), seed)
            assert conforms("duilian", "\n".join(lines), options=Options(words=(hers[1:3],))), lines


def test_heads_and_words_stand_where_they_are_wanted() -> None:
    for seed in range(10):
        _, pair = pair_of(seed, Options(head="山水", words=("白鹭",)))
        assert [line[0] for line in halves(pair)] == ["山", "水"]
        assert (pair.count("白鹭"), pair.count("白"), pair.count("鹭")) == (1, 1, 1)
        assert conforms("duilian", pair, options=Options(head="山水", words=("白鹭",)))


def test_what_cannot_be_is_said() -> None:
    assert refused(Options(size=4)) == ("size", "range")
    assert refused(Options(head="山")) == ("head", "count")
    assert refused(Options(head="山山"))[0] == "head"
    assert refused(Options(words=("晨雾里的白鹭鸶",)))[0] == "words"
    assert refused(Options(pins=((0, "推门忽见山如云"),))) == ("pins", "form")


def test_the_same_seed_is_the_same_pair_and_its_grammars_are_short() -> None:
    assert pair_of(3) == pair_of(3)
    for size in SIZES:
        whole = follow(draw("duilian", "zh", "湖", "1", Options(size=size)))
        assert len(shape.lark(whole)) < 8_000
        assert len(ebnf(whole)) < 8_000
        assert len(shape.regex(whole)) < 40_000
