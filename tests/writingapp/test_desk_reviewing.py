"""What reviewers' words make of a pair: agreement decides, difference flags, taking back goes all the way back."""

import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.writingapp.pairs import pair, reviewer
from writingapp.models import AuditEvent, Pair, Review, User
from writingapp.models.feedback import NotAllowed
from writingapp.refusals import Refusal
from writingapp.services import auditing, batches, choosing, reviewing
from writingapp.services.choosing import Filter


class Clock:
    """A second passes with each word."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> "Clock":
        self.now += timedelta(seconds=1)
        return self


@pytest.fixture
def clock() -> Clock:
    return Clock()


def say(row: Pair, who: User, decision: str, clock: Clock, reason: str = "") -> Pair:
    return reviewing.decide(pair=row, reviewer=who, decision=decision, reason=reason, now=clock().now)


def test_one_word_decides_and_is_written_down(owner: User, clock: Clock) -> None:
    row, who = pair(owner), reviewer()
    told = say(row, who, "discard", clock, "garbled")
    assert (told.state, told.reason, told.opinions, told.agreement) == ("discarded", "garbled", 1, None)
    assert told.decided_at == clock.now
    rating = row.ratings.get()
    assert (rating.fate, rating.reason) == ("discarded", "garbled")
    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.actor) == ("pair.decided", f"pair:{row.pk}", who)
    assert event.detail == {"state": "discarded", "decision": "discard", "reason": "garbled", "was": "waiting"}


@pytest.mark.parametrize(
    ("wanted", "words", "state", "agreement"),
    [
        (1, "a", "approved", None),
        (1, "s", "waiting", None),
        (1, "f", "flagged", None),
        (1, "ad", "flagged", 0.5),
        (1, "add", "discarded", 2 / 3),
        (1, "fa", "approved", None),
        (1, "af", "flagged", None),
        (2, "a", "waiting", None),
        (2, "aa", "approved", 1.0),
        (2, "ad", "flagged", 0.5),
        (2, "ada", "approved", 2 / 3),
        (3, "aad", "flagged", 2 / 3),
        (3, "aada", "approved", 3 / 4),
    ],
)
def test_what_the_standing_words_come_to(
    owner: User, clock: Clock, settings: Settings, wanted: int, words: str, state: str, agreement: float | None
) -> None:
    settings.REVIEWS_A_PAIR = wanted
    row = pair(owner)
    known = {"a": "approve", "d": "discard", "s": "skip", "f": "flag"}
    for at, word in enumerate(words):
        row = say(row, reviewer(f"r{at}"), known[word], clock, "other")
    assert row.state == state
    assert row.agreement == pytest.approx(agreement)


def test_changing_her_mind_keeps_one_word_standing(owner: User, clock: Clock) -> None:
    row, who = pair(owner), reviewer()
    say(row, who, "approve", clock)
    assert say(row, who, "discard", clock, "other").state == "discarded"
    assert Review.objects.filter(undone_at=None).count() == 1
    assert Review.objects.count() == 2


def test_taking_back_goes_back_to_why_it_was_held(owner: User, clock: Clock) -> None:
    row, who = pair(owner, state="held", reason="too_close"), reviewer()
    say(row, who, "discard", clock, "other")
    told = reviewing.undo(reviewer=who, now=clock().now)
    assert (told.state, told.reason, told.opinions, told.decided_at) == ("held", "too_close", 0, None)
    assert row.ratings.get().fate == "held"
    with pytest.raises(Refusal, match="nothing_to_undo"):
        reviewing.undo(reviewer=who, now=clock().now)


def test_what_cannot_be_decided_changes_nothing(owner: User, clock: Clock) -> None:
    row, who = pair(owner), reviewer()
    gone = pair(owner, state="withdrawn")
    for about, decision, reason, code in (
        (row, "burn", "", "no_decision"),
        (row, "discard", "", "no_reason"),
        (row, "discard", "because", "no_reason"),
        (gone, "approve", "", "pair_withdrawn"),
    ):
        with pytest.raises(Refusal, match=code):
            say(about, who, decision, clock, reason)
    assert not Review.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_batch_decides_what_was_previewed_and_is_taken_back_whole(owner: User, clock: Clock) -> None:
    rows, who = [pair(owner) for _ in range(3)], reviewer()
    found = Filter().pairs(Pair.objects.all())
    seen = batches.preview(found)
    assert seen.keys == [row.pk for row in rows]
    batch, count = batches.decide(
        found=found, expected=seen.digest, reviewer=who, decision="discard", reason="garbled", now=clock().now
    )
    assert count == 3
    assert set(Pair.objects.values_list("state", "reason")) == {("discarded", "garbled")}
    assert batches.undo(batch=batch, reviewer=who, now=clock().now) == 3
    assert set(Pair.objects.values_list("state", "reason")) == {("waiting", "")}
    assert [event.action for event in AuditEvent.objects.all()] == ["batch.undone", "batch.decided"]


def test_a_batch_whose_pairs_changed_since_decides_nothing(owner: User, clock: Clock) -> None:
    pair(owner)
    found = Filter().pairs(Pair.objects.all())
    seen = batches.preview(found)
    pair(owner)
    with pytest.raises(Refusal, match="batch_changed"):
        batches.decide(
            found=found, expected=seen.digest, reviewer=reviewer(), decision="approve", reason="", now=clock().now
        )
    assert not Review.objects.exists()


def test_a_batch_does_not_revive_what_its_writer_takes_back_meanwhile(
    owner: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look finds the pair standing; by the time that the batch holds its row it is withdrawn."""
    row, lock = pair(owner), batches._locked
    found = Filter().pairs(Pair.objects.all())
    seen = batches.preview(found)

    def late(keys: Sequence[uuid.UUID]) -> list[Pair]:
        Pair.objects.filter(pk=row.pk).update(state=Pair.State.WITHDRAWN)
        return lock(keys)

    monkeypatch.setattr(batches, "_locked", late)
    with pytest.raises(Refusal, match="batch_changed"):
        batches.decide(
            found=found, expected=seen.digest, reviewer=reviewer(), decision="approve", reason="", now=clock().now
        )
    assert not Review.objects.exists()


def test_a_batch_that_was_gone_over_since_stays(owner: User, clock: Clock) -> None:
    row, who, second = pair(owner), reviewer(), reviewer("second")
    found = Filter().pairs(Pair.objects.all())
    batch, _count = batches.decide(
        found=found, expected=batches.preview(found).digest, reviewer=who, decision="approve", reason="",
        now=clock().now,
    )  # fmt: skip
    with pytest.raises(Refusal, match="nothing_to_undo"):
        batches.undo(batch=batch, reviewer=second, now=clock().now)
    say(row, second, "approve", clock)
    with pytest.raises(Refusal, match="decided_since"):
        batches.undo(batch=batch, reviewer=who, now=clock().now)
    assert Pair.objects.get().state == "approved"


def test_the_trail_is_only_added_to(owner: User) -> None:
    event = auditing.note(owner, "queue.viewed", now=timezone.now())
    with pytest.raises(NotAllowed):
        event.save()
    with pytest.raises(NotAllowed):
        event.delete()
    with pytest.raises(NotAllowed):
        AuditEvent.objects.update(action="nothing")
    with pytest.raises(NotAllowed):
        AuditEvent.objects.all().delete()
    with pytest.raises(KeyError):
        auditing.note(owner, "no.such", now=timezone.now())


def test_pages_walk_forth_and_back_over_equal_moments(owner: User) -> None:
    now = timezone.now()
    keys = sorted(pair(owner, at=now).pk for _ in range(7))
    found = Filter().pairs(Pair.objects.all())
    seen, after, pages = [], "", []
    while True:
        page = choosing.page(found, after=after, size=3)
        pages.append(page)
        seen += [row.pk for row in page.pairs]
        if not page.after:
            break
        after = page.after
    assert seen == keys
    back = choosing.page(found, before=pages[-1].before, size=3)
    assert [row.pk for row in back.pairs] == keys[3:6]
    assert choosing.page(found, before=back.before, size=3).before == ""
    before, following = choosing.neighbours(found, Pair.objects.get(pk=keys[3]))
    assert (before and before.pk, following and following.pk) == (keys[2], keys[4])


@pytest.mark.parametrize(
    "asked",
    [
        {"form": "wujue"},
        {"tag": "fresh"},
        {"adapter": "dew-1"},
        {"gap": "0.7"},
        {"words": "寒梅"},
        {"agreement": "agreed"},
        {"state": "held", "reason": "too_close"},
        {"since": "2026-11-20", "until": "2026-11-20"},
    ],
)
def test_every_filter_finds_its_pair_and_no_other(owner: User, asked: dict[str, str]) -> None:
    pair(owner, form="free")
    known: dict[str, dict[str, Any]] = {
        "form": {"form": "wujue"},
        "tag": {"tags": ["apt", "fresh"]},
        "adapter": {"rejected_adapter": "dew-1"},
        "gap": {"gap": 0.75},
        "words": {"rejected_text": "一树寒梅"},
        "agreement": {"agreement": 1.0},
        "state": {"state": "held", "reason": "too_close"},
        "since": {"at": timezone.make_aware(datetime(2026, 11, 20, 23, 59))},
    }
    told: dict[str, Any] = {"form": "free", **known[next(iter(asked))]}
    wanted = pair(owner, **told)
    assert [row.pk for row in Filter.read(asked).pairs(Pair.objects.all())] == [wanted.pk]


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "no"},
        {"gap": "wide"},
        {"since": "2026-13-40"},
        {"agreement": "no"},
        {"until": "9999-12-31"},
        {"since": "0001-01-01"},
    ],
)
def test_a_filter_that_says_nothing_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(choosing.BadFilter):
        Filter.read(asked).pairs(Pair.objects.none())


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"])
def test_a_place_beyond_the_calendar_is_refused(owner: User, moment: str) -> None:
    mark, found = f"{moment}~{pair(owner).pk}", Filter().pairs(Pair.objects.all())
    for there in ({"after": mark}, {"before": mark}):
        with pytest.raises(choosing.BadFilter):
            choosing.page(found, **there, size=3)


def test_two_reviewers_at_the_same_moment_are_both_counted(owner: User, clock: Clock) -> None:
    row, who = pair(owner), [reviewer(f"r{at}") for at in range(4)]
    meeting = threading.Barrier(len(who))

    def judge(one: User) -> None:
        meeting.wait()
        try:
            reviewing.decide(pair=row, reviewer=one, decision="approve", reason="", now=clock.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(who)) as pool:
        list(pool.map(judge, who))
    settled = Pair.objects.get()
    assert (settled.state, settled.opinions, settled.agreement) == ("approved", 4, 1.0)
