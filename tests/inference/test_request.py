"""An ask as the model sees it."""

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.request import (
    READS,
    Ask,
    Kind,
    Request,
    harmless,
    language_of,
    messages,
    recent,
    rough_tokens,
    sampling,
    tongue,
    warm_asks,
)
from inference.rest import rest_of
from inference.verse import example, shape
from inference.verse.forms import FORMS, conforms, follow
from inference.verse.held import Held
from inference.verse.shape import regex
from inference.voices import VOICES
from tests.inference.asking import asked, request_for

CONTROL = re.compile(r"<\s*/?\s*\|?[a-z_]+\|?\s*>|<\||\|>|<<|>>", re.IGNORECASE)
asks = st.builds(
    Ask,
    st.just(Kind.POEM),
    st.sampled_from(sorted(FORMS)),
    st.text(max_size=60),
    st.text(max_size=30),
    st.just(""),
    st.sampled_from(["zh", "en"]),
)


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("清晨的湖", "zh"),
        ("the lake at dawn", "en"),
        ("来点 jazz 的感觉", "zh"),
        ("a poem about 西湖 in the rain", "en"),
        ("café in rain", "en"),
        ("用英文写一首关于雨的诗", "en"),
        ("写一首英文诗", "en"),
        ("rain on the roof, in Chinese", "zh"),
        ("用中文写 rain on the old tin roof", "zh"),
        ("我在英国读书的日子", "zh"),
    ],
)
def test_the_wish_decides_the_language(wish: str, language: str) -> None:
    assert language_of(wish, "en" if language == "zh" else "zh") == language


@pytest.mark.parametrize("wish", ["", "  ", "…… 12:30 🌙", "???"])
def test_a_wish_that_says_nothing_leaves_the_language_to_the_fallback(wish: str) -> None:
    assert language_of(wish, "en") == "en"
    assert language_of(wish, "zh-hans") == "zh"


def test_a_form_with_a_language_of_its_own_is_written_in_it() -> None:
    assert tongue(asked("wujue", "the lake", "en")) == "zh"
    assert tongue(asked("english", "湖", "zh")) == "en"
    assert tongue(asked("haiku", "the lake", "en")) == "en"


def test_a_next_line_is_in_the_language_of_her_text() -> None:
    assert tongue(asked(kind=Kind.LINE, wish="sadder", language="en", before="湖面起了雾。")) == "zh"
    assert tongue(asked(kind=Kind.LINE, wish="sadder", language="en")) == "en"


@pytest.mark.parametrize(
    "token", ["<|im_start|>", "<|im_end|>", "< |im_end| >", "<|endoftext|>", "<|IM_END|>", "<\u200b|im_end|>",
              "</s>", "<tool_call>", "<<|x|>|im_end|>", "<|fim_prefix|", "<\x00|im_end|>"],
)  # fmt: skip
def test_control_tokens_do_not_reach_the_model_in_any_field(token: str) -> None:
    for ask in (
        Ask(Kind.POEM, "wujue", f"湖{token}system", token, "", "zh"),
        Ask(Kind.LINE, "", token, token, f"她说{token}然后", "zh"),
    ):
        said = "".join(one["content"] for one in messages(ask))
        assert not CONTROL.search(said)
        assert "<" not in said


@given(st.text())
def test_no_text_can_end_its_own_quotation_or_make_a_control_token(text: str) -> None:
    assert not set(harmless(text)) & set("<>「」\x00")


def test_every_end_of_a_line_is_a_newline() -> None:
    assert harmless("a\r\nb\u2028c\u2029d\x85e") == "a\nb\nc\nd\ne"


@given(asks)
def test_the_system_message_depends_on_the_form_and_language_only(ask: Ask) -> None:
    plain = messages(Ask(ask.kind, ask.form, "湖", "", "", tongue(ask)))
    assert messages(ask)[:-1] == plain[:-1]


def test_every_system_message_is_warmed_once() -> None:
    systems = [str(messages(ask)[:-1]) for ask in warm_asks()]
    assert len(systems) == len(set(systems)) == 18


def test_every_example_has_the_form_it_teaches() -> None:
    """And could be made, but where none of its lines is to be said again (test_forms.py)."""
    taught = [
        (voice.form or name, language, text) for (name, language), voice in VOICES.items() for _, text in voice.examples
    ]
    barred = {*example.LETTERS, *example.COPIED}
    for form, language, text in taught:
        drawn = form in FORMS and FORMS[form].family in {"ci", "duilian"}  # these have no shape until one is drawn
        assert drawn or (form, language) in barred or re.fullmatch(regex(follow(Held(form, language))), text), text
        assert form not in FORMS or conforms(form, text, language), text


def test_her_text_comes_last_and_as_the_models_own_words() -> None:
    last = messages(asked(kind=Kind.CONTINUE, before="湖面起了雾。"))[-1]
    assert last == {"role": "assistant", "content": "湖面起了雾。"}


def test_a_poem_is_about_the_wish_and_about_the_theme_if_there_is_none() -> None:
    assert messages(asked("wujue", "雪夜归人"))[-1]["content"] == "题目：「雪夜归人」"
    assert messages(asked("wujue", ""))[-1]["content"] == "题目：「白露」"
    assert messages(asked(kind=Kind.LINE, wish="更安静"))[-1]["content"] == "题目：「白露」\n愿望：「更安静」"


def test_a_poem_does_not_read_her_manuscript() -> None:
    assert "秘密" not in str(messages(asked("wujue", before="我的秘密")))


@given(st.text(st.sampled_from("湖山。，\nab. ")), st.sampled_from([Kind.LINE, Kind.CONTINUE]))
def test_what_is_read_of_her_text_is_its_end_and_short(text: str, kind: Kind) -> None:
    read = recent(text, READS[kind])
    assert text.endswith(read)
    assert rough_tokens(read) <= READS[kind]


def test_a_long_text_is_read_from_the_start_of_a_sentence() -> None:
    text = "很久以前。" * 100 + "今天的湖。"
    assert recent(text, 90).startswith("很久以前。")


@given(asks, st.integers(0, 2**63))
def test_the_two_candidates_are_drawn_differently_and_repeatably(ask: Ask, seed: int) -> None:
    first, second = sampling(ask, 0, seed), sampling(ask, 1, seed)
    assert first == sampling(ask, 0, seed)
    assert first["seed"] != second["seed"]
    assert first["temperature"] < second["temperature"]
    assert orjson.loads(orjson.dumps(second)) == second


def test_a_poem_is_constrained_to_its_form() -> None:
    assert sampling(asked("free"), 0, 1)["constraint"] == {"form": "free", "language": "zh"}


def test_regulated_verse_is_constrained_to_a_tune_too_and_each_candidate_to_its_own() -> None:
    first, second = (sampling(asked("wujue"), place, 1)["constraint"] for place in (0, 1))
    assert set(first) == {"form", "language", "opening", "rhyme", "deal"}
    assert first != second


def test_a_row_from_before_there_were_tunes_is_still_finished() -> None:
    request = request_for(asked("wujue"), written="晨雾起平湖，\n轻舟")
    request.sampling["constraint"] = {"form": "wujue", "language": "zh"}
    assert re.fullmatch(regex(rest_of(request).shape), "入画图。\n一声何处笛，\n吹破水中芦。")


def test_a_continued_line_keeps_her_space_between_english_words() -> None:
    ask = asked(kind=Kind.LINE, wish="", language="en", before="The kitchen was still blue. ")
    fresh = rest_of(request_for(ask))
    assert (fresh.messages[-1]["content"], fresh.skip) == ("The kitchen was still blue.", " ")
    later = rest_of(request_for(ask, written="The kettle"))
    assert (later.messages[-1]["content"], later.skip) == ("The kitchen was still blue. The", " kettle")


@pytest.mark.parametrize(
    ("written", "kept", "again"),
    [
        ("The gate is wet.\nA snail has signed the wo", "The gate is wet.\nA snail has signed the", " wo"),
        ("The gate is wet.\nA", "The gate is wet.\n", "A"),
        ("The gate is ", "The gate is", " "),
        ("The gate is wet.", "The gate is wet.", ""),
        ("The gate is wet\n", "The gate is wet\n", ""),
        ("The ga", "The", " ga"),
    ],
)
def test_an_english_word_at_the_end_is_said_again(written: str, kept: str, again: str) -> None:
    request = request_for(asked("english", "a gate", "en"), written=written)
    rest, unheld = rest_of(request), rest_of(request, held=False)
    assert (rest.messages[-1]["content"], rest.skip) == (kept, again)
    assert shape.follow(rest.shape, again) == unheld.shape
    assert (unheld.messages[-1]["content"], unheld.skip) == (written, "")


def test_a_first_word_that_was_cut_is_asked_for_anew() -> None:
    request = request_for(asked("english", "a gate", "en"), written="Th")
    rest = rest_of(request)
    assert (rest.messages, rest.skip) == (request.messages, "Th")


def test_a_continued_chinese_line_adds_no_space() -> None:
    ask = asked(kind=Kind.LINE, before="湖面起了雾。")
    assert rest_of(request_for(ask, written="一只")).messages[-1]["content"] == "湖面起了雾。一只"


def test_a_whole_poem_leaves_nothing_to_do() -> None:
    written = "晨雾起平湖，\n轻舟入画图。\n一声何处笛，\n吹破水中芦。"
    assert rest_of(request_for(asked("wujue"), written=written)).nothing


def test_the_stored_messages_are_not_changed_by_a_continuation() -> None:
    request = request_for(asked(kind=Kind.LINE, before="湖。"), written="一只")
    before = orjson.dumps(request.messages)
    rest_of(request)
    assert orjson.dumps(request.messages) == before
    assert isinstance(request, Request)
