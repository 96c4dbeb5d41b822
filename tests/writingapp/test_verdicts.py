"""What is said of a finished poem: by the checker, as she has it, in her language; and which lines are old."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from inference.verse.options import FREE, Options
from inference.verse.registry import FORMS
from inference.verse.teaching import lessons
from writingapp import verse_wire
from writingapp.models import Candidate, Rating, User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import inspiring, sessions, swapping, verdicts
from writingapp.services.inspiring import Asked
from writingapp.verse_words import ABOUT
from writingapp.views import words

NOW = timezone.now()
DONE = Candidate.Status.DONE
TOWER = "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"
PUSAMAN = (
    "小山重叠金明灭，\n鬓云欲度香腮雪。\n懒起画蛾眉，\n弄妆梳洗迟。\n\n"
    "照花前后镜，\n花面交相映。\n新帖绣罗襦，\n双双金鹧鸪。"
)
WRONG = "白日依山尽，\n黄河入海流。\n欲穷山里目，\n更上青层深。"


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)


def poem(
    session: WritingSession,
    text: str,
    form: str = "wujue",
    kind: str = "poem",
    options: Options = FREE,
    **changes: Any,
) -> Candidate:
    answer = inspiring.ask(
        session=session, key=uuid.uuid4(), kind=kind, form=form, wish="湖", before="湖上有雾，", candidates=1, now=NOW,
        options=options,
    )  # fmt: skip
    assert isinstance(answer, Asked)
    [candidate] = answer.candidates
    Candidate.objects.filter(pk=candidate.pk).update(**{"text": text, "status": DONE} | changes)
    return Candidate.objects.get(pk=candidate.pk)


def told(candidate: Candidate, language: str = "en") -> dict[str, Any]:
    with translation.override(language):
        return verse_wire.judged(verdicts.judge(candidate=candidate))


def test_a_right_poem_is_told_with_its_opening_its_rhyme_and_every_character(session: WritingSession) -> None:
    said = told(poem(session, TOWER))["verdict"]
    assert (said["right"], said["opening"], said["rhyme"]) == (True, "仄起不入韵", "下平十一尤")
    assert [(each["name"], each["right"], each["faults"]) for each in said["checks"]] == [
        ("size", True, []), ("tones", True, []), ("rhyme", True, []),
    ]  # fmt: skip
    assert [line["text"] for line in said["lines"]][1] == "黄河入海流"
    assert said["readings"]["流"] == {"tone": "平", "rhymes": ["下平十一尤"]}
    assert said["readings"]["日"] == {"tone": "仄", "rhymes": []}


def test_what_is_wrong_is_said_with_its_place_in_her_language(session: WritingSession) -> None:
    candidate = poem(session, WRONG)
    english, chinese = (told(candidate, language)["verdict"] for language in ("en", "zh-hans"))
    wrong = {each["name"]: each for each in english["checks"] if not each["right"]}
    assert set(wrong) == {"tones", "rhyme"}
    [rhyme] = [fault for fault in wrong["rhyme"]["faults"] if fault["code"] == "出韵"]
    assert (rhyme["line"], rhyme["place"]) == (4, 5)
    assert rhyme["message"] == "Line 4: 深 does not belong to the rhyme 下平十一尤."
    assert all("%" not in fault["message"] for each in chinese["checks"] for fault in each["faults"])


def test_a_poem_of_another_size_is_judged_by_its_size_alone(session: WritingSession) -> None:
    said = told(poem(session, TOWER.rsplit("\n", 1)[0]))["verdict"]
    assert [(each["name"], each["right"]) for each in said["checks"]] == [("size", False)]
    assert said["checks"][0]["faults"][0]["message"] == "The poem has the wrong number of lines."


def test_free_verse_has_no_verdict_and_its_old_lines_are_told(session: WritingSession) -> None:
    said = told(poem(session, "湖上没有人，\n白日依山尽\n黄河流入海", "free"))
    assert said["verdict"] is None
    [source] = said["sources"]
    assert (source["line"], source["author"], source["near"]) == (1, "王之涣", False)


def test_a_line_one_character_away_says_so(session: WritingSession) -> None:
    [source] = told(poem(session, "更上几层楼", "free"))["sources"]
    assert (source["old"], source["near"]) == ("更上一层楼", True)


def test_a_continuation_has_no_verdict(session: WritingSession) -> None:
    assert told(poem(session, "湖上没有人。", "", "continue"))["verdict"] is None


def swapped(session: WritingSession, candidate: Candidate, line: int, text: str) -> None:
    answer = swapping.swap(session=session, candidate=candidate, line=line, key=uuid.uuid4(), now=NOW)
    assert isinstance(answer, Asked)
    other = answer.candidates[0]
    Candidate.objects.filter(pk=other.pk).update(text=text, status=DONE)
    Rating.objects.create(user=session.user, inspiration=answer.inspiration, kind="prefer", candidate=other,
                          created_at=NOW, updated_at=NOW)  # fmt: skip


def test_the_line_that_she_chose_instead_is_judged(session: WritingSession) -> None:
    candidate = poem(session, TOWER)
    swapped(session, candidate, 1, "黄河入海深。")
    said = told(candidate)
    assert said["verdict"]["lines"][1]["text"] == "黄河入海深"
    assert not said["verdict"]["right"]


def test_a_kept_line_that_she_changed_herself_is_no_fault_of_the_poem(session: WritingSession) -> None:
    options = Options(pins=((0, "白日依山尽"), (1, "黄河入海流")))
    candidate = poem(session, TOWER, options=options)
    assert told(candidate)["verdict"]["right"]
    swapped(session, candidate, 1, "清江入海流。")
    said = told(candidate)["verdict"]
    assert said["right"]
    assert [check["name"] for check in said["checks"]] == ["size", "tones", "rhyme", "asked"]
    swapped(session, candidate, 0, "白日随山尽，")
    assert [check["name"] for check in told(candidate)["verdict"]["checks"]] == ["size", "tones", "rhyme"]


def test_a_kept_line_that_the_model_lost_is_still_a_fault(session: WritingSession) -> None:
    candidate = poem(session, TOWER, options=Options(pins=((0, "白日依山尽"), (1, "清江入海流"))))
    swapped(session, candidate, 0, "白日随山尽，")
    [asked] = [check for check in told(candidate)["verdict"]["checks"] if check["name"] == "asked"]
    assert [fault["line"] for fault in asked["faults"]] == [2]


def test_kept_lines_are_counted_without_the_empty_ones() -> None:
    wrote, has = "雨停了\n\n窗外有光\n鸟在叫", "雨停了\n\n窗外有光\n鸟飞走"
    pins = ((1, "窗外有光"), (2, "鸟在叫"))
    assert swapping.asked_still(Options(pins=pins), wrote, has) == Options(pins=pins[:1])


@pytest.mark.parametrize(("book", "rhyme"), [("pingshui", "下平十一尤"), ("xinyun", "七尤")])
def test_a_rhyme_that_is_missed_is_named_as_its_book_calls_it(session: WritingSession, book: str, rhyme: str) -> None:
    said = told(poem(session, WRONG, options=Options(book=book, rhyme="尤")))["verdict"]
    messages = [fault["message"] for check in said["checks"] for fault in check["faults"] if fault["code"] == "出韵"]
    assert messages == [f"Line 4: 深 does not belong to the rhyme {rhyme}."]


@pytest.mark.parametrize("status", [Candidate.Status.RUNNING, Candidate.Status.STOPPED])
def test_what_is_not_finished_is_not_judged(session: WritingSession, status: str) -> None:
    with pytest.raises(Refusal, match="not_finished"):
        verdicts.judge(candidate=poem(session, "白日依山", status=status))


def test_the_doors_answer_their_owner(client: Client, session: WritingSession) -> None:
    candidate = poem(session, TOWER)
    client.force_login(session.user)
    where = f"/api/v1/sessions/{session.pk}/candidates/{candidate.pk}/verdict"
    assert client.get(where).json()["verdict"]["right"] is True
    Candidate.objects.update(status=Candidate.Status.RUNNING)
    assert client.get(where).status_code == 409
    lesson = client.get("/api/v1/forms/qilv").json()
    assert len(lesson["lessons"]) == 4
    assert client.get("/api/v1/forms/sonnet").status_code == 404


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_form_is_named_and_told_in_both_languages(form: str, language: str) -> None:
    with translation.override(language):
        assert str(words.WORDS[f"form_{form}"])
        assert verse_wire.form(form, lessons(form, "zh"))["about"]
        assert form in ABOUT


def test_a_tune_that_is_taught_more_strictly_than_the_books_have_it_says_so() -> None:
    with translation.override("zh-hans"):
        assert verse_wire.form("huanxisha", [])["about"].endswith("词谱里另有一两处可平可仄，这里没有标出。")
        assert verse_wire.form("rumengling", [])["about"] == str(ABOUT["rumengling"])


def test_a_tune_is_told_with_its_parts_and_why(session: WritingSession) -> None:
    said = told(poem(session, PUSAMAN, "pusaman"))["verdict"]
    assert said["right"]
    assert said["rhyme"] == "第十八部 第三部 第十一部 第四部"
    assert said["reasons"][1] == f"Rhyme words: 灭 雪 眉 迟 镜 映 襦 鸪; the rhymes in turn: {said['rhyme']}."
    assert said["readings"]["雪"] == {"tone": "仄", "rhymes": ["第十八部"]}


def test_paired_lines_are_judged_by_their_tones_and_have_no_rhyme(session: WritingSession) -> None:
    said = told(poem(session, "春风大雅能容物，\n秋水文章不染人。", "duilian"))["verdict"]
    assert [(each["name"], each["right"]) for each in said["checks"]] == [("size", True), ("tones", True)]
    same = told(poem(session, "春风大雅能容物，\n春风文章不染尘。", "duilian"))["verdict"]
    [tones] = [each for each in same["checks"] if each["name"] == "tones"]
    messages = [fault["message"] for fault in tones["faults"]]
    assert "Character 1, 春, is the same in both lines." in messages
    assert "Character 2 of both lines has the same tone; they should be opposite." in messages


def test_english_verse_is_told_by_its_syllables(session: WritingSession) -> None:
    text = "The lake is quiet in the night\nAnd all the stars are far away"
    said = told(poem(session, text, "couplet"))["verdict"]
    assert said["counted"]
    assert {each["name"]: each["right"] for each in said["checks"]} == {"size": True, "syllables": True, "rhyme": False}
    assert next(each["label"] for each in said["checks"] if each["name"] == "size") == "Number of lines"
    assert [line["tones"] for line in said["lines"]] == ["8", "8"]


def test_a_line_of_english_that_is_not_plain_words_is_told_so(session: WritingSession) -> None:
    text = "The lake is quiet  in the night\nAnd all the stars are far and white"
    checks = told(poem(session, text, "couplet"))["verdict"]["checks"]
    wrong = [(each["name"], fault["message"]) for each in checks for fault in each["faults"]]
    assert wrong == [("spelling", "Line 1 is not written in words with a plain mark between them.")]


def test_what_she_asked_for_is_judged_too(session: WritingSession) -> None:
    candidate = poem(session, TOWER)
    candidate.sampling["constraint"]["options"] = {"head": "白黄欲低", "words": ["湖"]}
    candidate.save()
    [asked] = [each for each in told(candidate)["verdict"]["checks"] if each["name"] == "asked"]
    assert sorted(fault["message"] for fault in asked["faults"]) == [
        "It was asked for and is not in it: 湖",
        "Line 4 does not begin as was asked for: 低",
    ]
