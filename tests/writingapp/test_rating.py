"""She judges, changes her mind, takes back, lets it train or not; what the house refuses; two tabs at once."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from writingapp import wire
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun, User
from writingapp.models.feedback import TAGS
from writingapp.refusals import Refusal
from writingapp.services import leaving, rating, recalling, sessions
from writingapp.services.rating import Fate, Kind

NOW = datetime(2026, 4, 5, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def make(user: User, *texts: str, status: str = "done") -> Inspiration:
    """An inspiration with finished texts, the first of the base, the second of an adapter."""
    session = sessions.start(user=user, minutes=10, theme="湖", goal=None, now=timezone.now())
    inspiration = Inspiration.objects.create(
        session=session, key=uuid.uuid4(), kind="poem", form="wujue", wish="湖", language="zh", messages=[]
    )
    for position, text in enumerate(texts or ("晓色入平湖\n惊起一滩鹭", "湖上春来晚\n山中月出迟")):
        Candidate.objects.create(
            inspiration=inspiration, position=position, sampling={}, text=text, status=status,
            adapter="night-1" if position else "", queued_at=NOW, finished_at=NOW - timedelta(seconds=4 - position),
        )  # fmt: skip
    return inspiration


@pytest.fixture
def hers(owner: User) -> Inspiration:
    return make(owner)


def compare(inspiration: Inspiration, kind: str = "prefer", place: int | None = None, **more: Any) -> Rating:
    texts = list(inspiration.candidates.all())
    better = texts[place or 0] if kind == "prefer" else None
    said: dict[str, Any] = {"kind": kind, "better": better, "tags": None, "now": NOW} | more
    return rating.compare(user=inspiration.session.user, inspiration=inspiration, **said)


def score(inspiration: Inspiration, stars: int = 4, line: int | None = None, **more: Any) -> Rating:
    candidate = inspiration.candidates.first()
    assert candidate is not None
    said: dict[str, Any] = {"score": stars, "line": line, "tags": None, "now": NOW} | more
    return rating.score(user=inspiration.session.user, candidate=candidate, **said)


def refused(code: str) -> Any:
    return pytest.raises(Refusal, match=f"^{code}$")


def paired(*ratings: Rating, adapter: str = "night-2") -> Pair:
    """A pair that these came to, and an adapter whose run has seen it."""
    inspiration = ratings[0].inspiration
    first, second = inspiration.candidates.all()
    pair = Pair.objects.create(
        inspiration=inspiration, user=inspiration.session.user, chosen=first, rejected=second, source="compare",
        gap=1.0, split="train", state="approved", night=NOW.date(), writer="x", kind="poem", language="zh",
        created_at=NOW, chosen_text=first.text, rejected_text=second.text,
    )  # fmt: skip
    pair.ratings.set(ratings)
    made = Adapter.objects.create(name=adapter, digest=adapter, folder=adapter, base="b", rank=1)
    TrainingRun.objects.create(adapter=made).pairs.add(pair)
    Rating.objects.filter(pk__in=[row.pk for row in ratings]).update(fate=Fate.TRAINED)
    return pair


# --- judging ---------------------------------------------------------------------------------------------------------
def test_a_preference_is_kept_with_how_long_it_took(hers: Inspiration) -> None:
    row = compare(hers, place=1, tags=["stale", "fresh", "fresh"])
    row.refresh_from_db()
    assert (row.kind, row.candidate, row.tags) == ("prefer", hers.candidates.all()[1], ["fresh", "stale"])
    assert row.latency_ms == 3000
    assert (row.consent, row.fate, row.history) == (False, Fate.NO_CONSENT, [])


def test_the_same_word_again_changes_nothing(hers: Inspiration) -> None:
    first = compare(hers, "tie")
    again = compare(hers, "tie", now=LATER)
    assert (again.pk, again.history, again.updated_at) == (first.pk, [], NOW)


def test_a_change_of_mind_is_the_same_row_and_keeps_what_it_said(hers: Inspiration) -> None:
    first = compare(hers, tags=["music"])
    changed = compare(hers, "both_bad", now=LATER)
    assert changed.pk == first.pk
    assert Rating.objects.count() == 1
    assert (changed.kind, changed.candidate_id, changed.tags) == ("both_bad", None, ["music"])
    assert changed.history == [
        {"at": NOW.isoformat(), "kind": "prefer", "candidate": str(hers.candidates.all()[0].pk), "score": None,
         "tags": ["music"], "consent": False}
    ]  # fmt: skip


def test_a_text_and_each_of_its_lines_have_a_score_of_their_own(hers: Inspiration) -> None:
    rows = [score(hers, 3), score(hers, 5, line=0), score(hers, 1, line=1), score(hers, 4, line=1)]
    assert rows[2].pk == rows[3].pk
    assert sorted((row.line, row.score) for row in Rating.objects.exclude(line=None)) == [(0, 5), (1, 4)]
    assert Rating.objects.get(line=None).score == 3


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_is_being_written_cannot_be_rated(owner: User, status: str) -> None:
    running = make(owner, status=status)
    with refused("not_finished"):
        compare(running)
    with refused("not_finished"):
        score(running)


def test_what_broke_off_can_be_rated_as_far_as_it_came(owner: User) -> None:
    assert compare(make(owner, status="interrupted")).kind == Kind.PREFER


def test_where_there_is_no_text_nothing_is_rated(owner: User) -> None:
    empty = make(owner, " \n", "湖")
    with refused("nothing_to_rate"):
        compare(empty)
    with refused("nothing_to_rate"):
        score(empty)


@pytest.mark.parametrize("texts", [("湖",), ("一", "二", "三")])
def test_only_two_are_compared(owner: User, texts: tuple[str, ...]) -> None:
    with refused("no_two"):
        compare(make(owner, *texts), "tie")


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_a_score_goes_from_one_to_five(hers: Inspiration, stars: int) -> None:
    with refused("bad_score"):
        score(hers, stars)


@pytest.mark.parametrize("line", [-1, 2])
def test_a_line_that_is_not_there_has_no_score(hers: Inspiration, line: int) -> None:
    with refused("no_such_line"):
        score(hers, line=line)


def test_tags_are_of_the_table(hers: Inspiration) -> None:
    with refused("unknown_tag"):
        compare(hers, tags=["fresh", "<b>"])
    assert compare(hers, tags=reversed(TAGS)).tags == list(TAGS)


def test_the_better_one_is_one_of_the_two(hers: Inspiration, owner: User) -> None:
    with refused("not_found"):
        compare(hers, better=make(owner).candidates.first())
    with refused("malformed"):
        compare(hers, better=None)
    with refused("malformed"):
        compare(hers, "tie", better=hers.candidates.first())


def test_who_has_turned_rating_off_is_not_recorded(hers: Inspiration) -> None:
    hers.session.user.rates = False
    with refused("rating_off"):
        compare(hers)
    with refused("rating_off"):
        score(hers)
    assert not Rating.objects.exists()


def test_two_tabs_at_once_leave_one_row(hers: Inspiration) -> None:
    start = threading.Barrier(4)
    faults: list[BaseException] = []

    def judge(place: int) -> None:
        try:
            start.wait()
            compare(Inspiration.objects.get(pk=hers.pk), place=place % 2, now=NOW + timedelta(seconds=place))
            score(Inspiration.objects.get(pk=hers.pk), 1 + place)
        except BaseException as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=judge, args=[place]) for place in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert faults == []
    assert Rating.objects.filter(kind=Kind.PREFER).count() == Rating.objects.filter(kind=Kind.SCORE).count() == 1
    assert len(Rating.objects.get(kind=Kind.SCORE).history) == 3  # nothing that any tab said is lost


def test_what_she_says_is_on_the_disk_when_it_is_answered(hers: Inspiration, owner: User) -> None:
    """On SQLite a commit has to be told to wait for the disk; PostgreSQL always does."""
    row = compare(hers)
    verbs: list[Callable[[], object]] = [
        lambda: compare(hers, place=1),
        lambda: score(hers),
        lambda: rating.answer(user=owner, consents=True, now=NOW, rating=row),
        lambda: rating.allow(rating=row, consent=False, now=NOW),
        lambda: rating.withdraw(rating=row, now=NOW),
        lambda: rating.withdraw_all(user=owner, now=NOW),
        lambda: leaving.leave(user=owner, now=NOW),
    ]
    waits = {"sqlite": ["FULL", "NORMAL"], "postgresql": []}[connection.vendor]
    for verb in verbs:
        with CaptureQueriesContext(connection) as seen:
            verb()
        told = [query["sql"].partition("PRAGMA synchronous=")[2] for query in seen]
        assert [level for level in told if level] == waits


# --- taking back -----------------------------------------------------------------------------------------------------
def test_withdrawing_takes_it_out_of_pairs_and_marks_what_has_seen_it(hers: Inspiration, owner: User) -> None:
    pair = paired(compare(hers))
    other = paired(compare(make(owner)), adapter="night-3")
    row = rating.withdraw(rating=pair.ratings.get(), now=LATER)
    pair.refresh_from_db()
    other.refresh_from_db()
    assert (row.fate, row.withdrawn_at, row.consent, row.reason) == (Fate.WITHDRAWN, LATER, False, "")
    assert (pair.state, other.state) == (Pair.State.WITHDRAWN, Pair.State.APPROVED)
    assert [each.name for each in Adapter.objects.exclude(tainted_at=None)] == ["night-2"]
    assert rating.withdraw(rating=row, now=LATER + timedelta(days=1)).withdrawn_at == LATER


def test_what_was_withdrawn_can_be_judged_anew(hers: Inspiration, owner: User) -> None:
    first = rating.withdraw(rating=compare(hers, tags=["music"]), now=NOW)
    owner.consents = hers.session.user.consents = True
    anew = compare(hers, now=LATER)
    assert (anew.pk, anew.withdrawn_at, anew.fate, anew.tags) == (first.pk, None, Fate.WAITING, [])
    assert [said["kind"] for said in anew.history] == ["prefer", "prefer"]


def test_a_change_of_mind_ends_the_pair_but_taints_nobody(hers: Inspiration) -> None:
    hers.session.user.consents = True
    pair = paired(compare(hers))
    row = compare(hers, place=1, now=LATER)
    pair.refresh_from_db()
    assert (pair.state, row.fate) == (Pair.State.WITHDRAWN, Fate.WAITING)
    assert not Adapter.objects.exclude(tainted_at=None).exists()
    rating.withdraw(rating=row, now=LATER)  # what has seen the earlier word has seen a rating that is withdrawn
    assert Adapter.objects.exclude(tainted_at=None).count() == 1


def test_tags_alone_leave_the_pair_as_it_is(hers: Inspiration) -> None:
    pair = paired(compare(hers))
    row = compare(hers, tags=["music"], now=LATER)
    pair.refresh_from_db()
    assert (pair.state, row.fate, row.tags) == (Pair.State.APPROVED, Fate.TRAINED, ["music"])


def test_the_other_score_of_a_pair_waits_for_the_night_again(hers: Inspiration) -> None:
    hers.session.user.consents = True
    low = rating.score(
        user=hers.session.user, candidate=hers.candidates.all()[1], line=None, score=1, tags=None, now=NOW
    )
    high = score(hers, 5)
    paired(high, low)
    rating.withdraw(rating=low, now=LATER)
    high.refresh_from_db()
    assert high.fate == Fate.WAITING


def test_all_can_be_withdrawn_at_once_and_nobody_elses(hers: Inspiration, other: User) -> None:
    rows = [compare(hers), score(hers), score(hers, line=1)]
    paired(rows[0])
    stays = compare(make(other))
    assert rating.withdraw_all(user=hers.session.user, now=LATER) == 3
    assert rating.withdraw_all(user=hers.session.user, now=LATER) == 0
    assert {row.fate for row in Rating.objects.exclude(pk=stays.pk)} == {Fate.WITHDRAWN}
    assert all(len(row.history) == 1 for row in Rating.objects.exclude(pk=stays.pk))
    assert Adapter.objects.exclude(tainted_at=None).count() == Pair.objects.filter(state="withdrawn").count() == 1
    stays.refresh_from_db()
    assert stays.withdrawn_at is None


# --- consent ---------------------------------------------------------------------------------------------------------
def test_no_answer_is_a_no_and_a_yes_is_for_this_one_and_those_to_come(hers: Inspiration) -> None:
    user, row = hers.session.user, compare(hers)
    assert [rating.ask_once(user=user, now=NOW) for _ in range(2)] == [True, False]
    user.refresh_from_db()
    assert (user.consents, row.consent) == (None, False)
    told = rating.answer(user=user, consents=True, now=LATER, rating=row)
    assert told is not None
    assert (told.consent, told.fate) == (True, Fate.WAITING)
    assert score(hers).fate == Fate.WAITING


def test_a_no_for_one_takes_it_out_and_marks_what_has_seen_it(hers: Inspiration) -> None:
    hers.session.user.consents = True
    row = compare(hers)
    pair = paired(row)
    told = rating.allow(rating=row, consent=False, now=LATER)
    pair.refresh_from_db()
    assert (told.fate, pair.state) == (Fate.NO_CONSENT, Pair.State.WITHDRAWN)
    assert Adapter.objects.exclude(tainted_at=None).count() == 1
    assert rating.allow(rating=row, consent=True, now=LATER).fate == Fate.WAITING


def test_what_is_withdrawn_cannot_be_allowed(hers: Inspiration) -> None:
    row = rating.withdraw(rating=compare(hers), now=LATER)
    with refused("rating_withdrawn"):
        rating.allow(rating=row, consent=True, now=LATER)


def test_the_same_two_shown_again_never_train(hers: Inspiration) -> None:
    hers.session.user.consents = True
    compare(hers)
    row = compare(hers, place=1, again=True, now=LATER)
    assert (row.again, row.swapped, row.consent, row.latency_ms) == (True, True, False, None)
    assert (row.fate, row.reason) == (Fate.NOT_PAIRED, "again")
    assert Rating.objects.count() == 2
    with refused("never_trains"):
        rating.allow(rating=row, consent=True, now=LATER)


# --- what the page is told -------------------------------------------------------------------------------------------
def test_who_wrote_which_is_told_once_they_are_compared_and_hidden_again_after_undo(hers: Inspiration) -> None:
    first, second = hers.candidates.all()
    score(hers)
    told = wire.inspiration(hers, [first, second], recalling.of_inspiration(hers))
    assert "night-1" not in wire.dumps(told)
    row = compare(hers)
    told = wire.inspiration(hers, [first, second], recalling.of_inspiration(hers))
    assert told["rating"]["wrote"] == {str(first.pk): "", str(second.pk): "night-1"}
    rating.withdraw(rating=row, now=NOW)
    assert "night-1" not in wire.dumps(wire.inspiration(hers, [first, second], recalling.of_inspiration(hers)))


def test_a_single_text_is_named_once_it_has_a_score(owner: User) -> None:
    alone = make(owner, "湖")
    texts = list(alone.candidates.all())
    assert wire.judged(texts, [])["wrote"] is None
    score(alone)
    assert wire.judged(texts, recalling.of_inspiration(alone))["wrote"] == {str(texts[0].pk): ""}


def test_a_session_is_read_with_one_query(hers: Inspiration, django_assert_num_queries: Any) -> None:
    compare(hers)
    score(hers)
    with django_assert_num_queries(1, connection=connection):
        found = recalling.of_session(hers.session)
    assert {row.kind for row in found[hers.pk]} == {"prefer", "score"}


@pytest.mark.parametrize("how", ["all", "no"])
def test_what_she_only_took_trains_no_more_once_she_says_no_or_takes_all_back(hers: Inspiration, how: str) -> None:
    pair = paired(compare(hers))
    pair.ratings.clear()  # as one is that comes of what she took
    user = hers.session.user
    if how == "all":
        rating.withdraw_all(user=user, now=LATER)
    else:
        rating.answer(user=user, consents=False, now=LATER)
    pair.refresh_from_db()
    assert pair.state == Pair.State.WITHDRAWN
    assert [each.name for each in Adapter.objects.exclude(tainted_at=None)] == ["night-2"]
