"""English verse by construction: whatever a form allows, the judge, who hears by another table, finds right."""

from string import ascii_lowercase

import pytest

from inference.engines.fake.poet import tokens_of
from inference.verse import counted, ebnf, shape
from inference.verse.counted import Counted
from inference.verse.english import PLANS, poem
from inference.verse.english_check import judge
from inference.verse.forms import conforms, draw, follow, instead
from inference.verse.held import Held
from inference.verse.options import Impossible, Options
from inference.verse.shape import NoSuchBeginning
from inference.voices import VOICES
from tests.inference.verse.spelling import spelled

FORMS = sorted(PLANS)


@pytest.mark.parametrize("form", FORMS)
def test_whatever_a_form_allows_the_judge_finds_right(form: str) -> None:
    for seed in range(60):
        text = spelled(poem(draw(form, "en", "lake", str(seed))), seed)
        assert judge(form, text).right, (text, judge(form, text).faults)
        assert conforms(form, text, "en")


@pytest.mark.parametrize("form", FORMS)
def test_our_own_examples_are_right(form: str) -> None:
    for _, text in VOICES[form, "en"].examples:
        assert judge(form, text).right, judge(form, text)


@pytest.mark.parametrize("form", FORMS)
def test_a_poem_goes_on_from_every_beginning_and_then_ends(form: str) -> None:
    held = draw(form, "en", "lake", "7")
    text = spelled(poem(held), 7)
    for place in range(len(text)):
        assert text[place] in shape.heads(follow(held, text[:place]))
    assert shape.may_end(follow(held, text))


def test_every_draw_rhymes_and_no_rhyme_word_stands_twice() -> None:
    for seed in range(40):
        held = draw("quatrain", "en", "lake", str(seed))
        ends = [line.rstrip(",.;:?").split(" ")[-1].lower() for line in spelled(poem(held), seed).split("\n")]
        assert len(set(ends)) == 4
        scheme = held.drawn["scheme"]
        for letter, name in zip(sorted(set(scheme) - {"·"}), held.drawn["rhymes"], strict=True):
            rhymed = {end for end, each in zip(ends, scheme, strict=True) if each == letter}
            assert rhymed <= {word.lower() for word in counted.rhymes()[name]}


def test_a_wished_word_draws_its_rhyme() -> None:
    drawn = [draw("couplet", "en", "rain", str(seed)).drawn["rhymes"][0] for seed in range(600)]
    plain = [draw("couplet", "en", "", str(seed)).drawn["rhymes"][0] for seed in range(600)]
    assert drawn.count("EY N") > plain.count("EY N") * 2


@pytest.mark.parametrize("form", FORMS)
def test_another_line_keeps_the_form_and_is_another(form: str) -> None:
    held = draw(form, "en", "lake", "3")
    lines = spelled(poem(held), 3).split("\n")
    for at in range(len(lines)):
        for seed in range(5):
            other = spelled(instead(held, "\n".join(lines), at), seed)
            assert other != lines[at]
            assert judge(form, "\n".join([*lines[:at], other, *lines[at + 1 :]])).right


@pytest.mark.parametrize("text", ["The zzyx", "a  b", "Rain, , rain", "rain\nrain", "1"])
def test_what_is_no_beginning_is_refused(text: str) -> None:
    with pytest.raises(NoSuchBeginning):
        follow(Held("haiku", "en"), text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("The kettle hums before the street is bright,\nand steam has drawn a garden on the day.", ["押韵"]),
        ("The kettle hums before the street is bright,\nand steam has drawn a picture: it is bright.", ["重韵"]),
        ("The kettle hums,\nand steam has drawn a garden on the night.", ["音节", "押韵"]),
        ("The kettle hums before the street is bright,", ["行数"]),
        ("The kettle hums before the zyxw bright,\nand steam has drawn a garden on the night.", []),
        ("**The kettle hums before the street is bright**\nand steam has drawn a garden on the night.", ["写法"]),
        ("The kettle hums  before the street is bright,\nand steam has drawn a garden on the night.", ["写法"]),
    ],
)
def test_the_judge_names_each_fault(text: str, codes: list[str]) -> None:
    assert [fault.code for fault in judge("couplet", text).faults] == codes


def test_what_she_asked_for_and_has_not_got_is_named() -> None:
    text = "The kettle hums before the street is bright,\nand steam has drawn a garden on the night."
    asked = Options(head="tx", words=("heron",), pins=((0, "the kettle sings before the street is bright"),))
    faults = judge("couplet", text, asked).faults
    assert [(fault.code, fault.line, fault.what) for fault in faults] == [
        ("藏头", 2, "x"),
        ("意象", None, "heron"),
        ("留句", 1, "the kettle sings before the street is bright"),
    ]


def test_a_word_that_no_line_has_room_for_is_too_long_and_not_one_too_many() -> None:
    with pytest.raises(Impossible) as no:
        draw("haiku", "en", "lake", "1", Options(words=("responsibility",)))
    assert (no.value.field, no.value.code, no.value.at) == ("words", "long", "responsibility")


def test_a_quatrain_may_rhyme_in_any_of_three_ways() -> None:
    ends = {"abab": "night day light way", "aabb": "night light day way", "abcb": "stone night tree light"}
    for words in ends.values():
        text = "\n".join(f"we hear the rain upon the {word}" for word in words.split())
        assert judge("quatrain", text).right, text


def test_no_line_ends_in_a_word_that_leans_on_the_next() -> None:
    begun = follow(Held("haiku", "en"), "We hear the rain on")
    assert not shape.may_end(begun)
    assert " " in shape.heads(Counted(5, 7, begun="the"))
    assert not Counted(1, 1, begun="the").may_end()


def test_a_capital_stands_only_where_a_line_begins() -> None:
    assert "R" in shape.heads(Counted(5, 5))
    assert "R" not in shape.heads(follow(Held("haiku", "en"), "Old "))
    assert "I" in shape.heads(follow(Held("haiku", "en"), "Old "))


@pytest.mark.parametrize("form", FORMS)
def test_grammars_stay_small_and_name_all_they_use(form: str) -> None:
    whole = poem(draw(form, "en", "lake", "1"))
    lark, rules = shape.lark(whole), ebnf.ebnf(whole)
    assert len(lark) < 300_000
    assert len(rules) < 400_000
    named = {line.partition(":")[0] for line in lark.splitlines()}
    used = {word.strip("()?") for line in lark.splitlines() for word in line.split(" ") if word[:1] in "sCEM"}
    assert {word for word in used if word.isalnum()} - {"start"} <= named


def test_the_stand_in_writes_all_of_them() -> None:
    for form in FORMS:
        held = draw(form, "en", "lake", "5").constraint()
        assert judge(form, "".join(tokens_of({"seed": 5, "constraint": held}, "lake", 300))).right


def test_line_heads_words_and_kept_lines_stand_in_the_poem() -> None:
    for seed in range(20):
        options = Options(head="lake", words=("heron", "window"))
        held = draw("quatrain", "en", "lake", str(seed), options)
        text = spelled(poem(held), seed)
        assert judge("quatrain", text, options).right, judge("quatrain", text, options)
        lines = text.split("\n")
        pins = ((1, lines[1].rstrip(",.;:?")), (2, lines[2].rstrip(",.;:?")))
        again = Options(pins=pins)
        other = spelled(poem(draw("quatrain", "en", "lake", str(seed + 100), again)), seed)
        assert judge("quatrain", other, again).right, (text, other)
        assert not judge("quatrain", "Up" + text[2:], options).right


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        (Options(head="lak"), "head", "count"),
        (Options(words=("zyxw",)), "words", "unheard"),
        (Options(words=("understanding", "individual", "necessarily")), "words", "crowded"),
        (Options(pins=((0, "we wander slowly on the orange"),)), "pins", "crowded"),
        (Options(pins=((0, "we wander on the way"),)), "pins", "form"),
        (Options(pins=((0, "we wander slowly on the zyxw"),)), "pins", "form"),
        (Options(pins=((0, "we  wander slowly on the way"),)), "pins", "form"),
        (Options(pins=((0, ""),)), "pins", "form"),
        (Options(pins=((1, "the day " * 9999),)), "pins", "form"),
        (Options(head="lake", pins=((1, "we wander slowly on the way"),)), "pins", "form"),
        (Options(head="laxe"), "head", "word"),
        (Options(head="laXe", words=("heron",)), "head", "word"),
    ],
)
def test_what_cannot_be_is_said(options: Options, field: str, code: str) -> None:
    form = "quatrain" if options.head else "couplet"
    with pytest.raises(Impossible) as fault:
        draw(form, "en", "", "1", options)
    assert (fault.value.field, fault.value.code) == (field, code)


@pytest.mark.parametrize("text", ["rain", "rain " * 9999, "we hear the rain upon the", "a" * 60_000])
def test_a_kept_line_of_a_haiku_has_its_syllables_too(text: str) -> None:
    with pytest.raises(Impossible, match="pins: form"):
        draw("haiku", "en", "", "1", Options(pins=((1, text),)))


@pytest.mark.parametrize("form", FORMS)
def test_any_line_that_was_made_may_stay(form: str) -> None:
    for seed in range(30):
        lines = [line.rstrip(",.;:?") for line in spelled(poem(draw(form, "en", "lake", str(seed))), seed).split("\n")]
        for at, line in enumerate(lines):
            options = Options(pins=((at, line),))
            assert judge(form, spelled(poem(draw(form, "en", "", str(seed), options)), seed), options).right


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", [(), ("heron",)])
def test_a_poem_can_be_made_with_every_head_but_x(form: str, words: tuple[str, ...]) -> None:
    lines = len(PLANS[form].lines)
    for letter in sorted({*ascii_lowercase} - {"x"}):
        options = Options(head=letter * lines, words=words)
        assert judge(form, spelled(poem(draw(form, "en", "lake", letter, options)), 1), options).right
    for at in range(lines):
        with pytest.raises(Impossible, match="head: word X"):
            draw(form, "en", "lake", "1", Options(head="a" * at + "X" + "a" * (lines - at - 1), words=words))


@pytest.mark.parametrize(
    ("form", "text", "codes"),
    [
        ("couplet", "The rain is on the window pane,\n", ["音节", "押韵"]),
        ("couplet", "\n", ["音节", "音节", "押韵"]),
        ("quatrain", "we hear the rain upon the stone\nwe hear the rain upon the day\n\n", ["音节", "音节"]),
        ("limerick", "we hear it rain upon the stone\n" * 2 + "\n...\n", ["音节"] * 3),
        ("haiku", "\n\n", ["音节"] * 3),
    ],
)
def test_a_line_without_words_rhymes_with_nothing(form: str, text: str, codes: list[str]) -> None:
    told = [fault.code for fault in judge(form, text).faults]
    assert told[: len(codes)] == codes
    assert form == "haiku" or "押韵" in told


@pytest.mark.parametrize("form", FORMS)
def test_any_beginning_of_a_poem_is_judged(form: str) -> None:
    text = spelled(poem(draw(form, "en", "lake", "7")), 7)
    for place in range(len(text)):
        assert not judge(form, text[:place]).right or text[:place].count("\n") == text.count("\n")
