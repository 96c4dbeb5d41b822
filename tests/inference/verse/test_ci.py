"""词 right by construction: whatever a tune allows, the checker, which learnt it from Song poems, finds right."""

import re

import pytest

from inference.verse import check_ci, ci, cipu, shape
from inference.verse.ebnf import ebnf
from inference.verse.forms import FORMS, conforms, draw, follow, instead
from inference.verse.held import Held
from inference.verse.options import FREE, Impossible, Options
from inference.verse.shape import NoSuchBeginning
from tests.inference.verse.spelling import spelled

TUNES = [form.name for form in FORMS.values() if form.family == "ci"]
CHANGING = [form for form, pattern in cipu.patterns().items() if len(pattern.rhymes) > 1]
QIANG = "常记溪亭日暮，\n沉醉不知归路。\n兴尽晚回舟，\n误入藕花深处。\n"  # 李清照, 如梦令


def poem_of(form: str, seed: int, options: Options = FREE) -> tuple[Held, str]:
    held = draw(form, "zh", "湖上的晨雾", str(seed), options)
    return held, spelled(follow(held), seed)


def lines_of(poem: str) -> list[str]:
    return [line[:-1] for line in poem.split("\n") if line]


def refused(form: str, options: Options) -> tuple[str, str, str]:
    with pytest.raises(Impossible) as no:
        draw(form, "zh", "湖", "1", options)
    return no.value.field, no.value.code, no.value.at


def test_there_are_sixteen_tunes_each_as_long_as_its_form_says() -> None:
    assert len(TUNES) == 16
    assert {form: len(pattern.lines) for form, pattern in cipu.patterns().items()} == {
        form: FORMS[form].lines for form in TUNES
    }
    assert cipu.patterns()["huanxisha"].told == "浣溪沙（七七七／七七七）"


@pytest.mark.parametrize("form", TUNES)
def test_whatever_a_tune_allows_is_right(form: str) -> None:
    for seed in range(15):
        held, poem = poem_of(form, seed)
        verdict = check_ci.check(poem, form)
        assert verdict.faults == (), (poem, held, verdict.faults)
        assert conforms(form, poem)


@pytest.mark.parametrize("form", TUNES)
def test_it_is_right_in_every_part_that_has_words_enough(form: str) -> None:
    pattern = cipu.patterns()[form]
    number = pattern.rhymes[0]
    parts = [part for part in cipu.parts() if ci._suffices(pattern, number, part, ci.LEAST)]
    assert len(parts) >= 8
    for part in parts:
        held, poem = poem_of(form, 7, Options(rhyme=part))
        assert held.drawn["rhymes"][0] == part
        assert check_ci.check(poem, form, rhyme=part).faults == (), poem
        assert conforms(form, poem, options=Options(rhyme=part))


@pytest.mark.parametrize("form", TUNES)
def test_after_every_beginning_its_rest_may_follow(form: str) -> None:
    held, poem = poem_of(form, 3)
    rest = follow(held)
    for place, char in enumerate(poem):
        assert follow(held, poem[:place]) == rest
        rest = shape.after(rest, char)
    assert rest == follow(held, poem) == shape.EMPTY


@pytest.mark.parametrize("form", TUNES)
def test_another_line_keeps_the_poem_right(form: str) -> None:
    for seed in range(4):
        held, poem = poem_of(form, seed)
        lines = poem.split("\n")
        for at in (at for at, line in enumerate(lines) if line and lines.count(line) == 1):
            line = spelled(instead(held, poem, at), seed)
            assert line[0] != lines[at][0]
            swapped = "\n".join([*lines[:at], line, *lines[at + 1 :]])
            assert check_ci.check(swapped, form).faults == (), (at, swapped)
            assert conforms(form, swapped)


def test_a_line_that_is_said_twice_is_not_changed_once_and_neither_is_the_gap_between_stanzas() -> None:
    held, poem = poem_of("rumengling", 1)
    for at in (4, 5):
        with pytest.raises(NoSuchBeginning):
            instead(held, poem, at)
    held, poem = poem_of("huanxisha", 1)
    with pytest.raises(NoSuchBeginning):
        instead(held, poem, 3)


def test_lines_and_rhyme_words_are_said_again_where_the_tune_wants_it_and_else_no_rhyme_word_is() -> None:
    for seed in range(12):
        lines = lines_of(poem_of("rumengling", seed)[1])
        assert lines[4] == lines[5]
        lines = lines_of(poem_of("changxiangsi", seed)[1])
        assert lines[0][-1] == lines[1][-1]
        assert lines[4][-1] == lines[5][-1]
    for form in set(TUNES) - {"rumengling", "changxiangsi"}:
        pattern = cipu.patterns()[form]
        for seed in range(4):
            ends = zip(pattern.lines, lines_of(poem_of(form, seed)[1]), strict=True)
            rhymed = [line[-1] for verse, line in ends if verse.rhyme]
            assert len(rhymed) == len(set(rhymed)), (form, rhymed)


def test_rhymes_change_where_the_tune_wants_it_and_keep_their_part_over_two_tones_in_the_west_river_moon() -> None:
    for form, rhymes in {"pusaman": 4, "jianzimulanhua": 4, "dingfengbo": 4, "qingpingle": 2, "zhegutian": 1}.items():
        held, poem = poem_of(form, 5)
        assert len(set(held.drawn["rhymes"])) == rhymes
        assert len(check_ci.check(poem, form).rhyme.split()) == rhymes
    (part,) = poem_of("xijiangyue", 5)[0].drawn["rhymes"]
    ends = [line[-1] for line in lines_of(poem_of("xijiangyue", 5)[1])]
    assert {ends[1], ends[2], ends[5], ends[6]} <= set(cipu.words(part, "平"))
    assert {ends[3], ends[7]} <= set(cipu.words(part, "仄"))
    assert {ends[0], ends[4]}.isdisjoint(cipu.words(part, "仄"))  # lines that do not rhyme do not chime either


def test_a_poem_that_somebody_else_began_goes_on_in_its_own_rhyme() -> None:
    held = draw("rumengling", "zh", "春", "1", Options())
    rest = follow(held, QIANG + "争渡，\n")
    assert spelled(rest, 1).startswith("争渡，\n")
    assert {char for char in shape.heads(follow(held, QIANG + "争渡，\n争渡，\n惊起一滩鸥"))} <= set(
        cipu.words("第四部", "仄")
    )
    assert conforms("rumengling", QIANG + "争渡，\n" + spelled(rest, 2))


@pytest.mark.parametrize("written", ["常记溪亭日光", "abc", "常记溪亭日暮，\n沉醉不知归去。\n兴尽晚回去"])
def test_a_beginning_in_no_rhyme_is_refused(written: str) -> None:
    with pytest.raises(NoSuchBeginning):
        follow(draw("rumengling", "zh", "春", "1"), written)


def test_a_wished_word_makes_its_rhyme_likelier_and_the_same_seed_the_same_tune() -> None:
    def share(wish: str) -> int:
        return sum(draw("huanxisha", "zh", wish, str(seed)).drawn["rhymes"] == ["第十二部"] for seed in range(200))

    assert share("秋水归舟旧楼头") > 2 * share("早起") > 0
    assert draw("pusaman", "zh", "湖", "9") == draw("pusaman", "zh", "湖", "9")


def test_what_she_asks_for_by_name_stands_in_the_poem() -> None:
    for seed in range(10):
        asked = Options(words=("薄雾", "白鹭"), head="明月清风夜")
        _, poem = poem_of("yijiangnan", seed, asked)
        assert [line[0] for line in lines_of(poem)] == list("明月清风夜")
        assert [poem.count(char) for char in "薄雾白鹭"] == [1, 1, 1, 1]
        assert check_ci.check(poem, "yijiangnan").faults == ()
        assert conforms("yijiangnan", poem, options=asked)


def test_lines_that_stay_keep_their_rhyme() -> None:
    for form in TUNES:
        _, poem = poem_of(form, 11)
        pins = tuple((at, line) for at, line in enumerate(lines_of(poem)) if at in {1, 3})
        for seed in range(3):
            _, other = poem_of(form, seed, Options(pins=pins))
            assert [(at, lines_of(other)[at]) for at, _ in pins] == list(pins)
            assert check_ci.check(other, form).faults == (), (form, other)


@pytest.mark.parametrize("form", CHANGING)
def test_any_line_may_stay_where_the_rhyme_changes(form: str) -> None:
    lines = lines_of(poem_of(form, 11)[1])
    for at, line in enumerate(lines):
        for seed in range(25):
            held = draw(form, "zh", "湖", str(seed), Options(pins=((at, line),)))
            assert len(set(held.drawn["rhymes"])) == len(cipu.patterns()[form].rhymes)
    first, last = ((at, lines[at]) for at in (0, len(lines) - 1))
    for seed in range(25):
        _, poem = poem_of(form, seed, Options(pins=(first, last)))
        assert (lines_of(poem)[0], lines_of(poem)[-1]) == (first[1], last[1])
        assert check_ci.check(poem, form).faults == (), poem


@pytest.mark.parametrize("form", CHANGING)
def test_a_kept_line_in_a_rhyme_that_she_names_for_another_is_refused(form: str) -> None:
    held, poem = poem_of(form, 11)
    last = len(lines_of(poem)) - 1
    number = cipu.patterns()[form].lines[last].rhyme
    part = dict(zip(cipu.patterns()[form].rhymes, held.drawn["rhymes"], strict=True))[number]
    asked = Options(pins=((last, lines_of(poem)[last]),), rhyme=part)
    if number == cipu.patterns()[form].rhymes[0]:  # 定风波 ends as it began
        assert poem_of(form, 1, asked)
    else:
        assert refused(form, asked)[0] in {"pins", "rhyme"}


@pytest.mark.parametrize("form", TUNES)
def test_when_a_kept_line_is_swapped_the_others_may_be_too(form: str) -> None:
    kept = lines_of(poem_of(form, 11)[1])
    for at in (0, len(kept) - 1):
        held, poem = poem_of(form, 3, Options(pins=((at, kept[at]),)))
        lines = poem.split("\n")
        places = [place for place, line in enumerate(lines) if line]
        for place in (places[at], *(each for each in places if each != places[at])):
            if lines.count(lines[place]) == 1:
                lines[place] = spelled(instead(held, "\n".join(lines), place), place)
        assert check_ci.check("\n".join(lines), form).faults == (), lines


def test_a_kept_line_that_is_said_twice_stays_twice() -> None:
    _, poem = poem_of("rumengling", 2)
    twice = lines_of(poem)[4]
    _, other = poem_of("rumengling", 3, Options(pins=((4, twice),)))
    assert lines_of(other)[4] == lines_of(other)[5] == twice


def test_what_cannot_be_is_said() -> None:
    assert refused("huanxisha", Options(rhyme="第二十部")) == ("rhyme", "unknown", "第二十部")
    assert refused("yujiaao", Options(rhyme="第十三部")) == ("rhyme", "few", "第十三部")
    assert refused("yijiangnan", Options(words=("晨雾里的白鹭鸶飞",)))[:2] == ("words", "long")
    assert refused("yijiangnan", Options(head="明月"))[:2] == ("head", "count")
    assert refused("zhegutian", Options(head="明月清风是故人家"[:9].ljust(9, "月")))[0] == "head"


@pytest.mark.parametrize("form", TUNES)
def test_its_grammars_are_short_enough_to_be_read_at_once(form: str) -> None:
    whole = follow(draw(form, "zh", "湖", "1"))
    assert len(shape.lark(whole)) < 12_000
    assert len(ebnf(whole)) < 12_000
    assert len(shape.regex(whole)) < 200_000
    assert re.fullmatch(shape.regex(whole), spelled(whole, 1))
