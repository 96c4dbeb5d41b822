"""Saves: compare and swap, an append-only history, and nothing thrown away."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from writingapp.models import User, WritingSession
from writingapp.models.sessions import MANUSCRIPT_LIMIT
from writingapp.refusals import Refusal
from writingapp.services import manuscripts, sessions
from writingapp.services.counting import count, recount
from writingapp.services.durable import durably
from writingapp.services.manuscripts import Change, Conflict, Patch, Saved, difference

TEXTS = st.text(alphabet="晨露a b'-，。\n𠮷あ", max_size=60)


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="晨", goal=None, now=timezone.now())


def save(
    session: WritingSession, base_rev: int, change: Change, save_id: uuid.UUID | None = None, late: int = 0
) -> Saved | Conflict:
    now = timezone.now() + timedelta(minutes=late)
    return manuscripts.save(session=session, save_id=save_id or uuid.uuid4(), base_rev=base_rev, change=change, now=now)


def whole(text: str) -> Change:
    return Change(text=text)


def saved(answer: Saved | Conflict) -> Saved:
    assert isinstance(answer, Saved)
    return answer


def test_it_commits_a_save_before_it_answers(session: WritingSession) -> None:
    answer = saved(save(session, 0, whole("清晨，good morning")))
    session.refresh_from_db()
    assert (session.text, session.rev, session.characters) == ("清晨，good morning", answer.rev, 4)


def test_it_applies_a_patch_to_the_revision_it_was_made_for(session: WritingSession) -> None:
    save(session, 0, whole("山色空蒙"))
    save(session, 1, Change(patch=Patch(2, 4, "如洗𠮷"), length=5))
    session.refresh_from_db()
    assert session.text == "山色如洗𠮷"


def test_it_keeps_both_texts_of_a_conflict(session: WritingSession) -> None:
    save(session, 0, whole("第一"))
    answer = save(session, 0, whole("第二"))
    assert isinstance(answer, Conflict)
    assert (answer.rev, answer.text) == (1, "第一")
    assert manuscripts.text_of(revision=session.revisions.get(rev=None)) == "第二"


def test_it_keeps_the_whole_text_of_a_conflicting_patch(session: WritingSession) -> None:
    save(session, 0, whole("露"))
    save(session, 1, whole("露重"))
    save(session, 1, Change(patch=Patch(0, 0, "白"), length=2))
    assert manuscripts.text_of(revision=session.revisions.get(rev=None)) == "白露"


def test_a_conflict_is_kept_as_small_as_it_is(session: WritingSession) -> None:
    save(session, 0, whole("字" * 10_000))
    save(session, 1, whole("字" * 10_000 + "尾"))
    for change in (Change(patch=Patch(0, 0, ""), length=10_000), whole("头" + "字" * 10_000)):
        assert isinstance(save(session, 1, change), Conflict)
    kept = list(session.revisions.filter(rev=None))
    assert [(row.inserted, row.snapshot) for row in kept] == [("", None), ("头", None)]
    assert [manuscripts.text_of(revision=row) for row in kept] == ["字" * 10_000, "头" + "字" * 10_000]


def test_every_conflict_can_be_read_again_however_long_ago_its_base_was(session: WritingSession) -> None:
    for rev in range(manuscripts.SNAPSHOT_EVERY + 5):
        saved(save(session, rev, whole("字" * (rev % 7) + str(rev))))
    for base in (0, 3, manuscripts.SNAPSHOT_EVERY, 9_999):
        assert isinstance(save(session, base, whole(f"在第{base}版上")), Conflict)
    kept = session.revisions.filter(rev=None)
    assert [manuscripts.text_of(revision=row) for row in kept] == [f"在第{row.base_rev}版上" for row in kept]


def test_it_answers_a_repeated_save_as_the_first_time(session: WritingSession) -> None:
    save_id = uuid.uuid4()
    first = saved(save(session, 0, whole("一"), save_id))
    save(session, 1, whole("一二"))
    again = saved(save(session, 0, whole("一"), save_id))
    assert (again.rev, again.repeated) == (first.rev, True)
    session.refresh_from_db()
    assert (session.text, session.revisions.count()) == ("一二", 2)


@pytest.mark.parametrize(("patch", "length"), [(Patch(0, 9, ""), 0), (Patch(2, 1, "x"), 2), (Patch(0, 0, "x"), 99)])
def test_it_asks_for_the_whole_text_when_a_patch_does_not_fit(
    session: WritingSession, patch: Patch, length: int
) -> None:
    save(session, 0, whole("字"))
    with pytest.raises(Refusal, match="resend_whole"):
        save(session, 1, Change(patch=patch, length=length))


def test_it_asks_for_the_whole_text_of_a_revision_it_never_had(session: WritingSession) -> None:
    with pytest.raises(Refusal, match="resend_whole"):
        save(session, 7, Change(patch=Patch(0, 0, "x"), length=1))
    assert isinstance(save(session, 7, whole("来自别处")), Conflict)


def test_it_takes_half_a_million_characters_and_no_more(session: WritingSession) -> None:
    saved(save(session, 0, whole("字" * MANUSCRIPT_LIMIT)))
    with pytest.raises(Refusal, match="too_long"):
        save(session, 1, Change(patch=Patch(0, 0, "多"), length=MANUSCRIPT_LIMIT + 1))
    session.refresh_from_db()
    assert session.characters == MANUSCRIPT_LIMIT


def test_it_accepts_and_marks_what_comes_after_time_is_up(session: WritingSession) -> None:
    assert not saved(save(session, 0, whole("准时"))).late
    assert saved(save(session, 1, whole("准时，迟到"), late=11)).late
    session.refresh_from_db()
    assert (session.text, session.on_time_rev) == ("准时，迟到", 1)


def test_it_still_takes_text_after_the_session_was_finished(session: WritingSession) -> None:
    session = sessions.finish(session=session, now=timezone.now())
    assert saved(save(session, 0, whole("最后一句"), late=1)).late


def test_every_revision_can_be_read_again(session: WritingSession) -> None:
    texts = ["字" * (n % 7) + str(n) for n in range(manuscripts.SNAPSHOT_EVERY + 20)]
    for rev, text in enumerate(texts):
        saved(save(session, rev, whole(text)))
    session.refresh_from_db()
    assert [manuscripts.text_at(session=session, rev=rev + 1) for rev in range(len(texts))] == texts
    assert manuscripts.text_at(session=session, rev=0) == ""


@given(before=TEXTS, after=TEXTS)
def test_a_difference_turns_one_text_into_the_other(before: str, after: str) -> None:
    assert difference(before, after).apply(before) == after


@given(before=TEXTS, inserted=TEXTS, start=st.integers(0, 60), length=st.integers(0, 60))
def test_counting_the_changed_place_is_counting_it_all(before: str, inserted: str, start: int, length: int) -> None:
    start = min(start, len(before))
    end = min(start + length, len(before))
    after = Patch(start, end, inserted).apply(before)
    assert recount(before, after, start, end, count(before)) == count(after)


def test_a_save_waits_for_the_disk_and_other_commits_need_not(owner: User) -> None:
    """What a database calls it differs: SQLite's level 2 is FULL, PostgreSQL waits by default."""
    ask = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}[connection.vendor]

    def level() -> object:
        with connection.cursor() as cursor:
            cursor.execute(ask)
            return cursor.fetchone()[0]

    with durably():
        assert level() in (2, "on")
    assert level() in (1, "on")
