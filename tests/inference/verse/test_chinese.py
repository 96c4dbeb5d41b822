"""Modern verse and haiku with lines, lengths, heads, words and kept lines: as asked, or it is said why not."""

from typing import Any

import pytest

from inference.engines.fake.poet import tokens_of
from inference.request import Ask, Kind, sampling
from inference.verse import forms
from inference.verse.held import Held
from inference.verse.options import Impossible, Options
from inference.verse.shape import EMPTY, may_end

SEEDS = range(6)


def poem(form: str, seed: int = 1, **asked_for: Any) -> tuple[Held, list[str]]:
    """What a poem is held to, as read again from its row, and the lines of such a poem without their marks."""
    held = Held.of(forms.draw(form, "zh", "湖", str(seed), Options(**asked_for)).constraint())
    text = "".join(tokens_of({"seed": seed, "constraint": held.constraint()}, "湖", 300))
    assert forms.conforms(form, text, options=held.options), text
    return held, text.split("\n")


def bare(lines: list[str]) -> list[str]:
    return [line.rstrip("，。？；") for line in lines if line]


@pytest.mark.parametrize("seed", SEEDS)
def test_modern_verse_has_the_lines_and_the_length_she_asks_for(seed: int) -> None:
    for lines, size in ((4, 5), (12, 8), (20, 24)):
        _, text = poem("free", seed, lines=lines, size=size)
        assert len(bare(text)) == lines
        assert max(map(len, bare(text))) <= size


@pytest.mark.parametrize("seed", SEEDS)
def test_modern_verse_spells_its_heads_and_has_its_words(seed: int) -> None:
    _, text = poem("free", seed, head="早安我的湖", words=("白鹭", "船", "石头缝"), size=9)
    assert "".join(line[0] for line in bare(text)) == "早安我的湖"
    assert all(any(word in line for line in text) for word in ("白鹭", "船", "石头缝"))


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_that_stay_stay_in_modern_verse(seed: int) -> None:
    _, text = poem("free", seed, pins=((0, "头班船亮着灯离开"), (3, "湿的，在水里打了一个圈")))
    assert bare(text)[0] == "头班船亮着灯离开"
    assert bare(text)[3] == "湿的，在水里打了一个圈"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_haiku_takes_heads_words_and_lines(seed: int) -> None:
    _, text = poem("haiku", seed, head="春夏秋", words=("萤火虫",))
    assert "".join(line[0] for line in text) == "春夏秋"
    assert "萤火虫" in "".join(text)
    _, kept = poem("haiku", seed, pins=((1, "一只蜗牛背着家"),))
    assert kept[1] == "一只蜗牛背着家"


def test_another_line_keeps_its_head_its_words_and_its_length() -> None:
    for form, more in (("free", {"lines": 6, "size": 8}), ("haiku", {})):
        head = "春夏秋冬早晚"[: 6 if form == "free" else 3]
        held, lines = poem(form, 3, head=head, words=("萤火",), **more)
        for at, old in enumerate(lines):
            if not old:
                continue
            swapped = {"seed": 9, "constraint": held.constraint() | {"instead": {"poem": "\n".join(lines), "line": at}}}
            line = "".join(tokens_of(swapped, "湖", 300))
            assert forms.conforms(form, "\n".join([*lines[:at], line, *lines[at + 1 :]]), options=held.options), line


def test_a_poem_goes_on_from_every_place() -> None:
    held, lines = poem("free", 2, lines=5, size=7, words=("白鹭",))
    whole = "\n".join(lines)
    for cut in range(len(whole)):
        assert forms.follow(held, whole[:cut]) != EMPTY
    assert may_end(forms.follow(held, whole))


def test_english_free_verse_has_the_lines_she_asks_for() -> None:
    held = forms.draw("free", "en", "lake", "1", Options(lines=4))
    line = "the heron stands\n"
    assert may_end(forms.follow(held, (line * 4).strip()))
    assert not may_end(forms.follow(held, (line * 3).strip()))
    assert forms.conforms("free", (line * 4).strip(), "en", held.options)
    assert not forms.conforms("free", (line * 5).strip(), "en", held.options)


@pytest.mark.parametrize(
    ("form", "options", "told"),
    [
        ("free", {"head": "春夏秋冬", "lines": 5}, ("head", "count", "5")),
        ("free", {"words": ("春江花月夜",), "size": 4}, ("words", "long", "春江花月夜")),
        ("free", {"words": ("春江", "花月"), "size": 4, "lines": 4, "head": "一二三四"}, None),
        ("free", {"words": ("春江花月",), "size": 4, "lines": 4, "head": "一二三四"}, ("words", "crowded", "春江花月")),
        ("free", {"pins": ((5, "雾"),), "lines": 5}, ("pins", "line", "")),
        ("free", {"pins": ((1, "一只白鹭站着"),), "size": 4}, ("pins", "form", "一只白鹭站着")),
        ("haiku", {"words": ("一只白鹭站在雾里",)}, ("words", "long", "一只白鹭站在雾里")),
        ("haiku", {"head": "春"}, ("head", "count", "3")),
        ("haiku", {"pins": ((0, "一只白鹭站着"),)}, ("pins", "form", "一只白鹭站着")),
        ("haiku", {"head": "春夏秋", "pins": ((0, "细雨湿青阶"),)}, ("pins", "crowded", "细雨湿青阶")),
    ],
)
def test_what_cannot_be_is_said(form: str, options: dict[str, Any], told: tuple[str, str, str] | None) -> None:
    if told is None:
        forms.draw(form, "zh", "湖", "1", Options(**options))
        return
    with pytest.raises(Impossible) as no:
        forms.draw(form, "zh", "湖", "1", Options(**options))
    assert (no.value.field, no.value.code, no.value.at) == told


def test_what_she_asked_for_is_missed_when_it_is_not_there() -> None:
    text = "\n".join(["细雨湿青阶", "一只蜗牛背着家", "慢慢过石缝"])
    assert forms.conforms("haiku", text)
    for options in (Options(head="春夏秋"), Options(words=("萤火",)), Options(pins=((0, "细雨湿石阶"),))):
        assert not forms.conforms("haiku", text, options=options)


def test_a_long_poem_has_room() -> None:
    ask = Ask(Kind.POEM, "free", "湖", "", "", "zh", options=Options(lines=20, size=20))
    assert sampling(ask, 0, 1)["max_tokens"] >= 20 * 20
