"""Ratings become pairs in the database: once, with their reasons, and again when she changes her mind."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from training.pairs import pair, split_of
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun, User, WritingSession
from writingapp.services import rating, sessions
from writingapp.services.pairing import Counts, pair_up

NIGHT = date(2026, 11, 24)
GOOD, OTHER = (
    "月升波面漾，\n鸟语水声枢。\n鱼跃空中影，\n心随万物趋。",
    "晨露凝香雾，\n轻风吹面扬。\n手提杯里品，\n心静意悠洋。",
)
TANG = "白日依山尽，\n黄河入海流。\n欲穷千里目，\n更上一层楼。"
FAULTY = "今天天气真好，\n我们去公园玩。\n看见一只小鸟，\n它飞走不见了。"
Ask = Callable[..., Inspiration]

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> User:
    return User.objects.create_user(username="writer", consents=True)


@pytest.fixture
def ask(writer: User) -> Ask:
    def make(*texts: str, user: User = writer, form: str = "wujue", kind: str = "poem", **more: Any) -> Inspiration:
        session = sessions.start(user=user, minutes=10, theme="湖", goal=None, now=timezone.now())
        made = Inspiration.objects.create(
            session=session, key=uuid.uuid4(), kind=kind, form=form, wish="登楼", language="zh", messages=[]
        )
        facts = {"sampling": {}, "status": "done", "queued_at": timezone.now()} | more
        for position, text in enumerate(texts or (GOOD, OTHER)):
            Candidate.objects.create(inspiration=made, position=position, text=text, **facts)
        return made

    return make


def prefer(made: Inspiration, position: int = 0, *, now: datetime | None = None, again: bool = False) -> Rating:
    return rating.compare(
        user=made.session.user,
        inspiration=made,
        kind="prefer",
        better=made.candidates.get(position=position),
        tags=["fresh"],
        now=now or timezone.now(),
        again=again,
    )


def star(made: Inspiration, position: int, score: int) -> Rating:
    text = made.candidates.get(position=position)
    return rating.score(user=made.session.user, candidate=text, line=None, score=score, tags=[], now=timezone.now())


def night() -> Counts:
    return pair_up(night=NIGHT, now=timezone.now())


def fate(row: Rating) -> tuple[str, str]:
    row.refresh_from_db()
    return row.fate, row.reason


def test_a_choice_becomes_a_pair_that_the_desk_can_filter(ask: Ask, writer: User, settings: Any) -> None:
    made = ask()
    Candidate.objects.filter(inspiration=made, position=0).update(adapter="dew-1")
    said = prefer(made)
    counts = night()
    row = Pair.objects.get()
    assert (row.chosen_text, row.rejected_text, row.chosen_adapter) == (GOOD, OTHER, "dew-1")
    assert (row.writer, row.form, row.wish, row.tags) == (writer.pseudonym, "wujue", "登楼", ["fresh"])
    assert (row.source, row.gap, row.state, row.night) == ("compare", 0.5, "waiting", NIGHT)
    assert row.split == split_of(str(made.pk), settings.PAIRS_SPLIT_KEY.encode())
    assert list(row.ratings.all()) == [said]
    assert fate(said) == ("paired", "")
    assert (counts.judgements, counts.made, dict(counts.why)) == (1, 1, {"paired": 1})


def test_a_second_run_finds_nothing_and_changes_nothing(ask: Ask) -> None:
    for position in (0, 1):
        prefer(ask(), position)
    prefer(ask(GOOD, GOOD))
    star(ask(), 0, 4)
    rating.compare(
        user=(made := ask()).session.user, inspiration=made, kind="tie", better=None, tags=None, now=timezone.now()
    )
    night()
    before = list(Pair.objects.order_by("pk").values()), list(Rating.objects.order_by("pk").values())
    assert night() == Counts()
    assert before == (list(Pair.objects.order_by("pk").values()), list(Rating.objects.order_by("pk").values()))


def test_what_she_keeps_to_herself_makes_no_pair(ask: Ask, writer: User) -> None:
    User.objects.filter(pk=writer.pk).update(consents=False)
    made = ask()
    made.session.user.refresh_from_db()
    said = prefer(made)
    assert night() == Counts()
    assert fate(said) == ("no_consent", "")


@pytest.mark.parametrize(
    ("texts", "more", "reason"),
    [
        ((FAULTY, OTHER), {}, "out_of_form"),
        ((GOOD, OTHER), {"conforms": False}, "out_of_form"),
        ((TANG, OTHER), {}, "copied"),
        ((GOOD, GOOD + "\n"), {}, "same_text"),
        ((GOOD, "山" * 20), {}, "degenerate"),
    ],
)
def test_a_pair_held_back_says_why_to_both_sides(ask: Ask, texts: tuple[str, str], more: Any, reason: str) -> None:
    said = prefer(ask(*texts, **more))
    assert night().held == 1
    assert (Pair.objects.get().state, Pair.objects.get().reason) == ("held", reason)
    assert fate(said) == ("held", reason)


def test_one_text_with_stars_waits_for_the_other(ask: Ask) -> None:
    made = ask()
    first = star(made, 0, 2)
    night()
    assert fate(first) == ("not_paired", "no_partner")
    second = star(made, 1, 5)
    night()
    assert fate(first) == fate(second) == ("paired", "")
    assert Pair.objects.get().gap == 0.75


def test_a_change_of_mind_turns_the_pair_round_and_back(ask: Ask) -> None:
    made = ask()
    prefer(made)
    night()
    first = Pair.objects.get()
    Pair.objects.update(state="approved")
    prefer(made, 1, now=timezone.now() + timedelta(minutes=1))
    night()
    first.refresh_from_db()
    assert (first.state, Pair.objects.exclude(pk=first.pk).get().state) == ("withdrawn", "waiting")
    prefer(made, 0, now=timezone.now() + timedelta(minutes=2))
    later = NIGHT + timedelta(days=1)
    assert pair_up(night=later, now=timezone.now()).made == 1
    first.refresh_from_db()
    assert (first.state, first.night) == ("waiting", later)  # approved once, under another judgement
    assert Pair.objects.exclude(pk=first.pk).get().state == "withdrawn"


def test_stars_added_to_an_approved_pair_leave_it_approved(ask: Ask) -> None:
    made = ask()
    said = prefer(made)
    night()
    Pair.objects.update(state="approved")
    star(made, 0, 5)
    last = star(made, 1, 1)
    night()
    row = Pair.objects.get()
    assert (row.state, row.gap, row.ratings.count()) == ("approved", 1.0, 3)
    assert fate(said) == fate(last) == ("approved", "")


def test_an_inspiration_stays_on_its_side_of_the_split(ask: Ask, settings: Any) -> None:
    asks = [ask() for _ in range(30)]
    for made in asks:
        prefer(made)
    night()
    before = dict(Pair.objects.values_list("inspiration", "split"))
    settings.PAIRS_SPLIT_KEY = "another"
    for made in asks:
        prefer(made, 1, now=timezone.now() + timedelta(minutes=1))
    night()
    assert dict(Pair.objects.exclude(state="withdrawn").values_list("inspiration", "split")) == before


def test_withdrawn_stays_withdrawn(ask: Ask) -> None:
    said = prefer(made := ask())
    Candidate.objects.filter(inspiration=made, position=0).update(taken_at=timezone.now())
    WritingSession.objects.update(state="finished")
    night()
    rating.withdraw(rating=said, now=timezone.now())
    assert night() == Counts()
    assert Pair.objects.get().state == "withdrawn"
    assert fate(said) == ("withdrawn", "")


def test_withdrawn_stars_are_no_partners(ask: Ask) -> None:
    made = ask()
    gone = star(made, 0, 1)
    rating.withdraw(rating=gone, now=timezone.now())
    left = star(made, 1, 5)
    night()
    assert (fate(gone), fate(left)) == (("withdrawn", ""), ("not_paired", "no_partner"))
    Rating.objects.update(fate="waiting", consent=True)  # whatever else the row says
    night()
    assert Pair.objects.count() == 0


def test_who_chooses_otherwise_when_they_change_places_is_not_learnt_from(ask: Ask) -> None:
    made = ask()
    said = prefer(made)
    night()
    prefer(made, 1, now=timezone.now() + timedelta(days=8), again=True)
    night()
    assert (Pair.objects.get().state, fate(said)) == ("held", ("held", "swapped_once"))
    assert night() == Counts()


def test_what_she_took_is_a_sign_until_she_speaks_or_takes_back_her_word(ask: Ask, writer: User) -> None:
    made, spoken, silent = (ask() for _ in range(3))
    Candidate.objects.filter(position=1).update(taken_at=timezone.now())
    assert night() == Counts()  # her morning is not over
    WritingSession.objects.update(state="finished")
    assert night().made == 3
    assert set(Pair.objects.values_list("source", "chosen_text")) == {("taken", OTHER)}
    assert night() == Counts()
    prefer(spoken)
    night()
    assert Pair.objects.exclude(state="withdrawn").get(inspiration=spoken).chosen_text == GOOD
    rating.allow(rating=star(silent, 0, 3), consent=False, now=timezone.now())
    assert night().withdrawn == 1  # she spoke, and keeps it to herself
    adapter = Adapter.objects.create(name="dew-1", digest="d", folder="f", base="b", rank=8)
    run = TrainingRun.objects.create(adapter=adapter)
    run.pairs.set(Pair.objects.filter(inspiration=made))
    User.objects.filter(pk=writer.pk).update(consents=False)
    assert night().withdrawn == 1
    adapter.refresh_from_db()
    assert adapter.tainted_at is not None
    assert night() == Counts()


def test_one_loud_writer_is_capped_across_runs_of_one_night(ask: Ask) -> None:
    for name in ("a", "b", "c", "d"):
        prefer(ask(user=User.objects.create_user(username=name, consents=True)))
    for _ in range(3):
        prefer(ask())
    night()
    assert Pair.objects.filter(reason="capped_writer").count() == 2  # one of five each
    prefer(ask())
    night()
    assert Pair.objects.filter(reason="capped_writer").count() == 3
    assert Rating.objects.filter(fate="held", reason="capped_writer").count() == 3


def test_what_she_says_while_the_night_reads_waits_for_the_next(ask: Ask, monkeypatch: Any) -> None:
    made = ask()
    said = prefer(made)
    with monkeypatch.context() as meanwhile:

        def slowly(*given: Any) -> Any:
            prefer(made, 1, now=timezone.now() + timedelta(minutes=1))
            return pair(*given)

        meanwhile.setattr("writingapp.services.pairing.pair", slowly)
        assert night().postponed == 1
    assert (Pair.objects.count(), fate(said)) == (0, ("waiting", ""))
    night()
    assert Pair.objects.get().chosen_text == OTHER


def test_a_swapped_line_is_a_pair_though_it_is_no_poem(ask: Ask) -> None:
    prefer(ask("月升波面漾，", "晨露凝香雾，", kind="swap"))
    night()
    assert (Pair.objects.get().source, Pair.objects.get().state) == ("swap", "waiting")


def test_the_command_tells_what_came_in_and_why(ask: Ask) -> None:
    prefer(ask())
    prefer(ask(GOOD, GOOD))
    told = StringIO()
    call_command("pair_ratings", stdout=told)
    assert "2 ratings read" in told.getvalue()
    assert "1   held: same_text" in told.getvalue()
    assert "2 pairs made, 1 of all" in told.getvalue()
