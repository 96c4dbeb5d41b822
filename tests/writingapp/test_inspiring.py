"""Asking, and the rows that a worker holds: claims, leases, attempts, the sweep."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from writingapp import statements
from writingapp.models import Candidate, User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import claims, inspiring, sessions
from writingapp.services.claims import LEASE, MOST_ATTEMPTS, UNNOTICED, Claim
from writingapp.services.inspiring import Asked, Busy, Invalid

NOW = timezone.now()


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)


def ask(session: WritingSession, **changes: Any) -> Asked | Busy | Invalid:
    asked: dict[str, Any] = {
        "key": uuid.uuid4(),
        "kind": "poem",
        "form": "wujue",
        "wish": "清晨的湖",
        "before": "",
        "candidates": 2,
        "now": NOW,
    }
    return inspiring.ask(session=session, **asked | changes)


def asked(session: WritingSession, **changes: Any) -> Asked:
    answer = ask(session, **changes)
    assert isinstance(answer, Asked)
    return answer


def claim(answer: Asked, now: datetime = NOW) -> Claim:
    held = claims.claim_next(inspiration_id=str(answer.inspiration.pk), now=now)
    assert held is not None
    return held


def beat(held: Claim, text: str = "", now: datetime = NOW) -> claims.Beat:
    return claims.checkpoint(written=[(held, text, "")], now=now)


def test_it_stores_exactly_what_the_model_will_see(session: WritingSession) -> None:
    answer = asked(session)
    assert any("清晨的湖" in message["content"] for message in answer.inspiration.messages)
    first, second = answer.candidates
    assert first.sampling["seed"] != second.sampling["seed"]
    assert first.sampling["constraint"]["form"] == "wujue"


def test_the_same_key_is_the_same_ask(session: WritingSession) -> None:
    first = asked(session)
    again = asked(session, key=first.inspiration.key, wish="别的")
    assert (again.inspiration.pk, again.repeated) == (first.inspiration.pk, True)
    assert Candidate.objects.count() == 2


def test_what_is_foreseen_is_what_is_asked(session: WritingSession) -> None:
    about: dict[str, Any] = {"kind": "poem", "form": "wujue", "wish": " 清晨的湖 ", "before": ""}
    seen = inspiring.foresee(session=session, **about)
    assert seen is not None
    assert seen["messages"] == asked(session, **about).inspiration.messages
    assert inspiring.foresee(session=session, **about | {"form": "ode"}) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "novel"}, "kind"),
        ({"form": "sonnet"}, "form"),
        ({"form": ""}, "form"),
        ({"kind": "continue", "before": " \n"}, "kind"),
        ({"wish": "长" * 501}, "wish"),
        ({"before": "长" * 2001}, "before"),
        ({"candidates": 0}, "candidates"),
        ({"candidates": 3}, "candidates"),
    ],
)
def test_each_fault_is_told_beside_its_field(session: WritingSession, changes: dict[str, Any], field: str) -> None:
    with translation.override("zh-hans"):
        answer = ask(session, **changes)
    assert isinstance(answer, Invalid)
    assert list(answer.errors) == [field]
    assert Candidate.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "language"),
    [
        ({"wish": "the lake at dawn", "form": "free"}, "en"),
        ({"wish": "湖", "form": "free"}, "zh"),
        ({"wish": "湖", "form": "english"}, "en"),
        ({"wish": "the lake", "form": "wujue"}, "zh"),
        ({"wish": "", "form": "free"}, "zh"),
    ],
)
def test_the_language_of_the_wish_decides_unless_the_form_has_one(
    session: WritingSession, changes: dict[str, Any], language: str
) -> None:
    assert asked(session, **changes).inspiration.language == language


def test_a_writer_has_one_being_written_and_one_waiting(session: WritingSession) -> None:
    asked(session)
    asked(session)
    answer = ask(session)
    assert isinstance(answer, Busy)
    assert answer.retry_after_ms > 0


def test_nothing_is_asked_in_a_finished_session(session: WritingSession) -> None:
    sessions.finish(session=session, now=NOW)
    with pytest.raises(Refusal, match="finished"):
        ask(session)


def test_candidates_are_written_one_after_the_other(session: WritingSession) -> None:
    answer = asked(session)
    first = claim(answer)
    assert claims.claim_next(inspiration_id=str(answer.inspiration.pk), now=NOW) is None
    claims.end(claim=first, status="done", text="诗", now=NOW)
    second = claim(answer)
    assert (first.candidate_id, second.candidate_id) == tuple(str(row.pk) for row in answer.candidates)


def test_her_second_inspiration_waits_for_the_first_and_is_taken_up_when_that_is_over(session: WritingSession) -> None:
    one, two = asked(session, candidates=1), asked(session)
    assert claims.claim_next(inspiration_id=str(two.inspiration.pk), now=NOW) is None  # not even begun, it was first
    first = claim(one)
    assert claims.claim_next(inspiration_id=str(two.inspiration.pk), now=NOW) is None
    claims.end(claim=first, status="done", text="诗", now=NOW)
    three = asked(session)
    second = claim(one)  # by whoever wrote the first
    assert second.inspiration_id == str(two.inspiration.pk)
    claims.end(claim=second, status="done", text="诗", now=NOW)
    assert claims.claim_next(inspiration_id=str(three.inspiration.pk), now=NOW) is None  # one of its two is to come
    claims.end(claim=claim(two), status="done", text="诗", now=NOW)
    assert claim(two).inspiration_id == claim(three, NOW + 2 * LEASE).inspiration_id == str(three.inspiration.pk)


def test_each_writer_has_her_own_turn(session: WritingSession) -> None:
    stranger = User.objects.create_user("a second writer")
    hers = sessions.start(user=stranger, minutes=None, theme="", goal=None, now=NOW)
    first, other = asked(session), asked(hers)
    assert claim(first).session_id == str(session.pk)
    assert claim(other).session_id == str(hers.pk)


def test_what_waits_for_one_that_was_stopped_or_is_gone_is_written(session: WritingSession) -> None:
    again = sessions.start(user=session.user, minutes=None, theme="", goal=None, now=NOW)
    first, second = asked(session), asked(again)
    inspiring.stop(inspiration=first.inspiration, now=NOW)
    assert claim(first).inspiration_id == str(second.inspiration.pk)
    third = asked(again)
    second.inspiration.delete()
    assert claim(third).inspiration_id == str(third.inspiration.pk)


def test_the_sweep_calls_for_what_waits_only_when_nobody_is_at_the_one_before(session: WritingSession) -> None:
    one, two = asked(session), asked(session)
    held = claim(one)
    late = NOW + UNNOTICED + timedelta(seconds=1)
    beat(held, now=late)
    assert claims.sweep(now=late).again == []
    dead = late + 2 * LEASE
    assert claims.sweep(now=dead).again == sorted([str(one.inspiration.pk), str(two.inspiration.pk)])
    assert claim(one, dead).candidate_id == held.candidate_id
    one.inspiration.candidates.update(status="failed")
    assert claims.sweep(now=dead + 2 * UNNOTICED).again == [str(two.inspiration.pk)]


def test_the_next_text_is_found_by_its_inspiration(session: WritingSession) -> None:
    asked(session)
    moment, *ids = f"'{NOW:%Y-%m-%d}'", *[f"'{uuid.uuid4()}'"] * 3
    plan = plan_of(statements._NEXT.replace("%s", "{}").format(moment, *ids))
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan


def test_a_silent_worker_loses_its_claim_to_the_next(session: WritingSession) -> None:
    answer = asked(session)
    first = claim(answer)
    beat(first, "半首")
    later = NOW + LEASE + timedelta(seconds=1)
    second = claim(answer, later)
    assert (second.attempt, second.written) == (2, "半首")
    assert beat(first, "旧的", later).lost == {first.candidate_id}
    assert claims.end(claim=first, status="done", text="旧的", now=later) is None
    assert claims.end(claim=second, status="done", text="整首", now=later) is not None


def test_a_stop_ends_what_nobody_began(session: WritingSession) -> None:
    answer = asked(session)
    first = claim(answer)
    ended = inspiring.stop(inspiration=answer.inspiration, now=NOW)
    assert [str(row.pk) for row in ended] == [str(answer.candidates[1].pk)]
    assert beat(first).stopped == {first.inspiration_id}


def test_the_sweep_calls_again_for_what_was_lost(session: WritingSession) -> None:
    answer = asked(session)
    assert claims.sweep(now=NOW).again == []
    late = NOW + UNNOTICED + timedelta(seconds=1)
    assert claims.sweep(now=late).again == [str(answer.inspiration.pk)]
    assert claims.sweep(now=late).again == []  # called a moment ago


def test_the_sweep_leaves_a_candidate_that_waits_for_its_sibling(session: WritingSession) -> None:
    answer = asked(session)
    held = claim(answer)
    late = NOW + UNNOTICED + timedelta(seconds=1)
    beat(held, now=late)
    assert claims.sweep(now=late).again == []


def test_the_sweep_calls_again_for_a_dead_worker(session: WritingSession) -> None:
    answer = asked(session)
    claim(answer)
    assert claims.sweep(now=NOW + LEASE * 2).again == [str(answer.inspiration.pk)]


def test_the_sweep_ends_what_was_stopped_under_a_dead_worker(session: WritingSession) -> None:
    answer = asked(session)
    beat(claim(answer), "半首")
    inspiring.stop(inspiration=answer.inspiration, now=NOW)
    ended = claims.sweep(now=NOW + LEASE * 2).ended
    assert [(row.status, row.text) for row in ended] == [("stopped", "半首")]


def test_the_sweep_gives_up_after_several_attempts_and_keeps_the_text(session: WritingSession) -> None:
    answer = asked(session, candidates=1)
    now = NOW
    for _ in range(MOST_ATTEMPTS):
        beat(claim(answer, now), "半首", now)
        now += LEASE * 2
    swept = claims.sweep(now=now)
    assert swept.again == []
    assert [(row.status, row.text, row.error) for row in swept.ended] == [("interrupted", "半首", "too_many_attempts")]


def test_taking_is_recorded_once(session: WritingSession) -> None:
    row = asked(session).candidates[0]
    inspiring.take(candidate=row, now=NOW)
    inspiring.take(candidate=row, now=NOW + timedelta(hours=1))
    row.refresh_from_db()
    assert row.taken_at == NOW


def test_a_full_house_says_so_and_when_there_will_be_room(session: WritingSession, settings: Any) -> None:
    asked(session)
    settings.QUEUE_LIMIT = 3
    crowded = ask(session)
    assert isinstance(crowded, Busy)
    assert (crowded.code, crowded.retry_after_ms) == ("crowded", 6000)


def test_the_wait_is_told_by_the_last_twenty_texts_without_a_look_at_the_others(
    session: WritingSession, settings: Any
) -> None:
    answer = asked(session)
    done = {"inspiration": answer.inspiration, "sampling": {}, "queued_at": NOW, "status": "done"}
    for place in range(40):
        ended = NOW - timedelta(minutes=place)
        took = timedelta(seconds=10 if place < 20 else 1000)
        Candidate.objects.create(position=2 + place, started_at=ended - took, finished_at=ended, **done)
    settings.QUEUE_LIMIT = 3
    crowded = ask(session)
    assert isinstance(crowded, Busy)
    assert crowded.retry_after_ms == 10_000
    assert "done_lately" in plan_of(statements._LATELY)
    assert "B-TREE" not in plan_of(statements._LATELY)  # nothing is sorted


def test_the_wait_for_a_seat_is_no_part_of_what_a_text_takes(session: WritingSession, settings: Any) -> None:
    answer = asked(session)
    for _ in answer.candidates:
        seated = NOW + timedelta(seconds=200)
        claims.end(claim=claim(answer), status="done", text="诗", started_at=seated, now=seated + timedelta(seconds=2))
    settings.QUEUE_LIMIT = 1
    crowded = ask(session)
    assert isinstance(crowded, Busy)
    assert (crowded.code, crowded.retry_after_ms) == ("crowded", 2000)


def test_a_writer_who_must_wait_is_told_of_the_queue_that_hers_stand_in(session: WritingSession) -> None:
    asked(session)
    asked(session)
    alone = ask(session)
    for number in range(8):
        stranger = User.objects.create_user(f"stranger {number}")
        asked(sessions.start(user=stranger, minutes=None, theme="", goal=None, now=NOW))
    among = ask(session)
    assert isinstance(alone, Busy)
    assert isinstance(among, Busy)
    assert (alone.retry_after_ms, among.retry_after_ms) == (18_000, 114_000)  # 19 texts, one at a time, 6 s each


def plan_of(statement: str) -> str:
    """How the database goes about it. PostgreSQL reads and sorts so few rows as they lie, whatever index there is, and
    its guess of their number changes when it has looked at the table meanwhile: so it is told not to."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        else:
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            cursor.execute(f"EXPLAIN {statement}")
        return str(cursor.fetchall())


def test_a_text_remembers_which_adapter_wrote_it_until_another_goes_on(session: WritingSession) -> None:
    answer = asked(session)
    first = claim(answer)
    claims.checkpoint(written=[(first, "半首", "white-dew-1")], now=NOW)
    second = claim(answer, NOW + LEASE * 2)
    assert (second.written, second.adapter) == ("半首", "white-dew-1")
    row = claims.end(claim=second, status="done", text="整首", now=NOW, adapter="mixed", conforms=False)
    assert row is not None
    stored = Candidate.objects.get(pk=second.candidate_id)
    assert (stored.adapter, stored.conforms, stored.text) == ("mixed", False, "整首")
    assert (row.pk, row.status, row.attempt, row.text) == (stored.pk, stored.status, stored.attempt, stored.text)


@pytest.mark.once
def test_a_claim_looks_at_its_own_inspiration_and_not_at_all_that_wait(rows: None) -> None:
    """SQLite would begin with every text that waits, and of fifty asks in one instant each would read them all."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statements._NEXT}", [""] * statements._NEXT.count("%s"))
        first = [step[3] for step in cursor.fetchall() if "SEARCH c " in step[3]]
    assert len(first) == 1
    assert "(inspiration_id=?)" in first[0]
