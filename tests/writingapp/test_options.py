"""What else she asks of a poem, from the wire to what the model is held to, and every fault beside its field."""

import uuid
from typing import Any

import pytest
from django.utils import timezone, translation

from inference.verse.held import Held
from inference.verse.options import FREE, Impossible, Options
from writingapp import impossible, wire
from writingapp.models import Candidate, User, WritingSession
from writingapp.options_wire import LONGEST
from writingapp.refusals import Refusal
from writingapp.services import inspiring, sessions
from writingapp.services.inspiring import Asked, Busy, Invalid

NOW = timezone.now()


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)


def ask(session: WritingSession, form: str = "wujue", wish: str = "湖", **options: Any) -> Asked | Busy | Invalid:
    told = {"type": "inspire", "key": str(uuid.uuid4()), "kind": "poem", "form": form, "options": options}
    message = wire.parse(wire.dumps(told))
    assert isinstance(message, wire.Inspire)
    return inspiring.ask(
        session=session,
        key=message.key,
        kind=message.kind,
        form=form,
        wish=wish,
        before="",
        candidates=2,
        now=NOW,
        options=message.options.asked(),
    )


def errors(session: WritingSession, form: str = "wujue", **options: Any) -> dict[str, str]:
    answer = ask(session, form, **options)
    assert isinstance(answer, Invalid), answer
    assert Candidate.objects.count() == 0
    return answer.errors


def test_what_she_asks_is_kept_told_back_and_held(session: WritingSession) -> None:
    answer = ask(session, rhyme="阳", words=["明月"])
    assert isinstance(answer, Asked)
    assert answer.inspiration.options == {"rhyme": "阳", "words": ["明月"]}
    assert wire.inspiration(answer.inspiration, answer.candidates)["options"] == {"rhyme": "阳", "words": ["明月"]}
    for row in Candidate.objects.all():
        assert Held.of(row.sampling["constraint"]).options == Options(rhyme="阳", words=("明月",))


def test_space_marks_and_words_said_twice_are_left_out(session: WritingSession) -> None:
    answer = ask(session, head=" 春江花月 ", words=["明月 ", "", "明月"], pins=[[1, "江水去悠悠。"]])
    assert isinstance(answer, Asked)
    assert answer.inspiration.options == {"head": "春江花月", "words": ["明月"], "pins": [[1, "江水去悠悠"]]}


def test_who_asks_for_nothing_besides_is_held_to_nothing_besides(session: WritingSession) -> None:
    answer = ask(session)
    assert isinstance(answer, Asked)
    assert answer.inspiration.options == {}
    assert "options" not in answer.candidates[0].sampling["constraint"]


@pytest.mark.parametrize(
    ("form", "options", "field", "named"),
    [
        ("wujue", {"head": "春夏"}, "head", "4"),
        ("wujue", {"head": "春x秋冬"}, "head", "x"),
        ("free", {"head": "春夏"}, "head", "4–20"),
        ("wujue", {"book": "guangyun"}, "book", ""),
        ("wujue", {"script": "latn"}, "script", ""),
        ("free", {"lines": 3}, "lines", "4–20"),
        ("free", {"size": 99}, "size", "4–24"),
        ("wujue", {"words": ["春", "夏", "秋", "冬", "天"]}, "words", "4"),
        ("wujue", {"words": ["明 月"]}, "words", "明 月"),
        ("wujue", {"words": ["春江花月夜里"]}, "words", "春江花月夜里"),
        ("wujue", {"pins": [[4, "黄河入海流"]]}, "pins", ""),
        ("wujue", {"size": 5}, "size", ""),
        ("haiku", {"rhyme": "阳"}, "rhyme", ""),
        ("english", {"rhyme": "阳"}, "rhyme", ""),
        ("limerick", {"head": "laxxe"}, "head", "x"),
        ("haiku", {"pins": [[0, "a" * LONGEST]]}, "pins", ""),
        ("couplet", {"pins": [[0, "the rain"]]}, "pins", "the rain"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_fault_is_told_beside_its_field(
    session: WritingSession, form: str, options: dict[str, Any], field: str, named: str, language: str
) -> None:
    with translation.override(language):
        told = errors(session, form, **options)
    assert list(told) == [field]
    assert named in told[field]


def test_a_sentence_stands_for_every_reason() -> None:
    for (field, code), sentence in impossible.SENTENCES.items():
        fault = Impossible(field, code, "风")
        assert impossible.sentence(fault) == str(sentence) % {"at": "风"}
    assert impossible.sentence(Impossible("size", "not_taken")) == str(impossible.NOT_TAKEN)


@pytest.mark.parametrize(
    "options",
    [
        {"head": 5},
        {"words": "明月"},
        {"strict": "no"},
        {"pins": [["a"]]},
        {"pins": [[0, "a" * (LONGEST + 1)]]},
        [],
        "x",
    ],
)
def test_options_of_another_kind_are_no_message_of_ours(options: Any) -> None:
    told = {"type": "inspire", "key": str(uuid.uuid4()), "kind": "poem", "form": "wujue", "options": options}
    with pytest.raises(Refusal, match="malformed"):
        wire.parse(wire.dumps(told))


def test_what_is_foreseen_has_the_same_options(session: WritingSession) -> None:
    about = {"kind": "poem", "form": "wujue", "wish": "湖", "before": ""}
    seen = inspiring.foresee(session=session, **about, options=Options(rhyme="阳"))
    assert seen is not None
    assert seen["sampling"]["constraint"]["options"] == {"rhyme": "阳"}
    assert inspiring.foresee(session=session, **about, options=Options(head="春")) is None
    assert "options" not in inspiring.foresee(session=session, **about, options=FREE)["sampling"]["constraint"]  # type: ignore[index]
