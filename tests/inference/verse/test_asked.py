"""Line heads, words, a rhyme and kept lines in regulated verse: they stand, the metre holds, or it is said why not."""

import itertools
import random
from typing import Any

import pytest

from inference.engines.fake.poet import tokens_of
from inference.verse import asked, books, check, forms, metre
from inference.verse.held import Held
from inference.verse.options import Impossible, Options
from inference.verse.readings import EITHER, LEVEL, tone
from inference.verse.shape import EMPTY, NoSuchBeginning
from tests.inference.verse.spelling import spelled

SIZES = check.SIZES


def poem(form: str, seed: int = 1, **asked_for: Any) -> tuple[Held, list[str]]:
    """What a poem is held to, as read again from its row, and the lines of such a poem, each with its mark."""
    held = Held.of(forms.draw(form, "zh", "湖", str(seed), Options(**asked_for)).constraint())
    sampling = {"seed": seed, "constraint": held.constraint()}
    return held, "".join(tokens_of(sampling, "湖", 300)).split("\n")


def fault(form: str, **asked_for: Any) -> tuple[str, str, str]:
    with pytest.raises(Impossible) as no:
        forms.draw(form, "zh", "湖", "1", Options(**asked_for))
    return no.value.field, no.value.code, no.value.at


@pytest.mark.parametrize(
    ("form", "head"),
    [
        ("wujue", "春江花月"),
        ("qijue", "夏雨荷风"),
        ("wulv", "天高云淡望断南飞"),
        ("wujue", "月落乌啼"),
        ("wujue", "雨雪日月"),
        ("qilv", "一二三四五六七八"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_poem_spells_its_line_heads_and_is_in_metre(form: str, head: str, seed: int) -> None:
    held, lines = poem(form, seed, head=head)
    assert "".join(line[0] for line in lines) == head
    assert forms.conforms(form, "\n".join(lines), options=held.options)


def test_a_character_that_no_book_knows_stands_where_either_tone_may() -> None:
    for form in ("wujue", "qijue"):
        held, lines = poem(form, head="琳喆婷昊")
        assert "".join(line[0] for line in lines) == "琳喆婷昊"
        assert forms.conforms(form, "\n".join(lines), options=held.options)


@pytest.mark.parametrize("form", SIZES)
@pytest.mark.parametrize("words", [("明月",), ("明月", "扁舟", "江"), ("渔火", "寒山", "钟声", "客船")])
def test_every_word_stands_somewhere_and_the_metre_holds(form: str, words: tuple[str, ...]) -> None:
    for seed in range(6):
        _, lines = poem(form, seed, words=words)
        assert all(any(word in line for line in lines) for word in words), lines
        assert check.check("\n".join(lines), form).right, lines


def test_what_she_asks_for_by_name_stands_there_once() -> None:
    for seed in range(8):
        text = "".join(poem("qijue", seed, head="春江花月", words=("扁舟",))[1])
        assert all(text.count(char) == 1 for char in "春江花月扁舟"), text


def test_words_are_shared_out_over_the_lines() -> None:
    _, lines = poem("qilv", words=("明月", "扁舟", "钟声", "江"))
    assert all(sum(word in line for word in ("明月", "扁舟", "钟声")) <= 1 for line in lines)


@pytest.mark.parametrize("form", SIZES)
@pytest.mark.parametrize("rhyme", ["阳", "尤", "侵", "阳韵"])
def test_the_rhyme_is_the_one_she_asks_for(form: str, rhyme: str) -> None:
    _, lines = poem(form, rhyme=rhyme)
    assert check.check("\n".join(lines), form).rhyme == rhyme[0]


def test_a_part_of_cilin_is_known_by_its_number() -> None:
    for said in ("第七部", "七部", "七"):
        held, lines = poem("wujue", rhyme=said, book="cilin")
        assert held.drawn["rhyme"] == "第七部"
        assert forms.conforms("wujue", "\n".join(lines), options=held.options)


@pytest.mark.parametrize("form", SIZES)
def test_strictly_no_place_is_free(form: str) -> None:
    for seed in range(8):
        _, lines = poem(form, seed, strict=True)
        kinds = {kind.replace("韵", LEVEL) for kind in metre.STRICT.values()}
        for line in lines:
            heard = "".join(map(tone, line[:-1]))
            assert any(
                all(a in {b, EITHER} for a, b in zip(heard, kind[-len(heard) :], strict=True)) for kind in kinds
            ), (line, heard)


@pytest.mark.parametrize("book", ["xinyun", "cilin"])
def test_by_another_book_every_place_is_in_the_tone_of_that_book(book: str) -> None:
    for form, seed in itertools.product(SIZES, range(4)):
        held, lines = poem(form, seed, book=book)
        rhyme = books.rhymes(book)[held.drawn["rhyme"]]
        patterns = metre.pattern(*SIZES[form], held.drawn["opening"])
        for line, pattern in zip(lines, patterns, strict=True):
            assert all(
                books.may_be(char, tone, book) for char, tone in zip(line, pattern, strict=False) if tone != "韵"
            )
            assert pattern[-1] != "韵" or line[-2] in rhyme
        assert forms.conforms(form, "\n".join(lines), options=held.options), lines


def test_lines_that_stay_stay_and_the_others_keep_their_metre_and_rhyme() -> None:
    for form, seed in itertools.product(SIZES, range(6)):
        _, first = poem(form, seed)
        kept = {at: first[at][:-1] for at in ((1,), (0, 1), (2, 3), (0, 3))[seed % 4]}
        held, lines = poem(form, seed + 100, pins=tuple(kept.items()))
        assert {at: lines[at][:-1] for at in kept} == kept
        assert forms.conforms(form, "\n".join(lines), options=held.options), lines
        ends = [line[-2] for line in lines[1::2]]
        assert len(ends) == len(set(ends))
        assert any(line[:-1] not in first for at, line in enumerate(lines) if at not in kept)


def test_a_poem_goes_on_from_every_place_as_it_was_begun() -> None:
    held, lines = poem("qijue", head="春江花月", words=("扁舟", "钟声"), rhyme="侵")
    whole = "\n".join(lines)
    for cut in range(len(whole)):
        rest = forms.follow(held, whole[:cut])
        assert forms.follow(held, whole) == EMPTY
        assert rest != EMPTY
    with pytest.raises(NoSuchBeginning):
        forms.follow(held, "秋" + whole[1:3])


def test_another_line_keeps_its_head_and_its_words() -> None:
    held, lines = poem("wujue", head="春江花月", words=("扁舟",))
    for at, old in enumerate(lines):
        sampling = {"seed": 5, "constraint": held.constraint() | {"instead": {"poem": "\n".join(lines), "line": at}}}
        line = "".join(tokens_of(sampling, "湖", 300))
        assert line != old
        assert line[0] == "春江花月"[at]
        assert ("扁舟" in line) == ("扁舟" in old)
        swapped = "\n".join([*lines[:at], line, *lines[at + 1 :]])
        assert forms.conforms("wujue", swapped, options=held.options)


@pytest.mark.parametrize("form", SIZES)
@pytest.mark.parametrize(
    "asked_for",
    [
        {"head": "雨月雪日落叶白鹭"},  # oblique where a line of five begins level, and is made good
        {"head": "咖月您啡春花秋雨"},  # characters that the book lacks
        {"words": ("看", "望")},  # of two readings, where they end a line
        {"words": ("相思", "教", "听")},
    ],
)
def test_each_line_can_be_another_whatever_she_asks_for(form: str, asked_for: dict[str, Any]) -> None:
    asked_for = {name: value[: SIZES[form][0]] if name == "head" else value for name, value in asked_for.items()}
    for seed in range(4):
        held, lines = poem(form, seed, **asked_for)
        for at, old in enumerate(lines):
            lines[at] = spelled(forms.instead(held, "\n".join(lines), at), seed)
            assert lines[at] != old
            assert forms.conforms(form, "\n".join(lines), options=held.options), lines


def test_what_stands_in_the_place_of_a_kept_line_has_its_head_and_its_words() -> None:
    for form in SIZES:
        _, first = poem(form, 3)
        kept, word = first[1][:-1], first[1][1:3]
        head = "".join(kept[0] if at == 1 else char for at, char in enumerate("春江花月夜山水云"[: len(first)]))
        held, lines = poem(form, 4, pins=((1, kept),), head=head, words=(word,))
        lines[1] = spelled(forms.instead(held, "\n".join(lines), 1), 5)
        assert lines[1][:-1] != kept
        still = Options(head=head, words=(word,))
        assert forms.conforms(form, "\n".join(lines), options=still), lines


def test_a_line_that_was_kept_can_be_swapped_and_the_poem_still_goes_on() -> None:
    _, first = poem("wujue", 3)
    held, lines = poem("wujue", 4, pins=((1, first[1][:-1]),))
    sampling = {"seed": 5, "constraint": held.constraint() | {"instead": {"poem": "\n".join(lines), "line": 1}}}
    other = "".join(tokens_of(sampling, "湖", 300))
    assert other != lines[1]
    poem_now = "\n".join([lines[0], other, *lines[2:]])
    assert forms.instead(held, poem_now, 2) != EMPTY


@pytest.mark.parametrize(
    ("form", "options", "told"),
    [
        ("wujue", {"head": "雨雪月日", "strict": True}, ("head", "crowded")),
        ("wujue", {"head": "春喆秋冬", "strict": True}, ("head", "tone")),
        ("wujue", {"rhyme": "月"}, ("rhyme", "unknown")),
        ("qilv", {"rhyme": "江"}, ("rhyme", "few")),
        ("wujue", {"words": ("月落雪夜",)}, ("words", "tone")),
        ("wujue", {"words": ("春花秋月夜", "江风渔火里", "明月松间照", "清泉石上流")}, ("words", "crowded")),
        ("wujue", {"pins": ((1, "床前明月光"), (3, "黄河入海流"))}, ("pins", "crowded")),
        ("wujue", {"pins": ((1, "月落雪飞雨"),)}, ("pins", "form")),
        ("wujue", {"pins": ((1, "黄河入海"),)}, ("pins", "form")),
    ],
)
def test_what_cannot_be_is_said(form: str, options: dict[str, Any], told: tuple[str, str]) -> None:
    assert fault(form, **options)[:2] == told


def test_the_same_seed_has_the_same_places() -> None:
    drawn = [forms.draw("qilv", "zh", "湖", "7", Options(words=("明月", "江"))).drawn for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert forms.draw("qilv", "zh", "湖", "8", Options(words=("明月", "江"))).drawn["placed"] != drawn[0]["placed"]


def test_words_in_lines_of_no_size_are_shared_out() -> None:
    found = asked.spread(("a", "b", "c"), range(3), random.Random(1))
    assert sorted(found) == [0, 1, 2]
