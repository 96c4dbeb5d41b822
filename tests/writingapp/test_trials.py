"""The blind trial: who is in it, that nobody can tell, what counts, and how it ends."""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from tests.writingapp.test_promoting import everywhere, make, promoted, states
from writingapp.models import Adapter, Candidate, Inspiration, Rating, TrainingRun, Trial, User
from writingapp.refusals import Refusal
from writingapp.services import fates, inspiring, promoting, rating, sessions, swapping, trials
from writingapp.services.promoting import NotPromoted

__all__ = ["make"]
pytestmark = pytest.mark.usefixtures("rows")
NOW = timezone.now()
Make = Callable[..., Adapter]


@pytest.fixture
def rivals(make: Make) -> tuple[Adapter, Adapter]:
    """The one that writes, and one that every node has proved."""
    one, two = make(1), make(2)
    promoted(one)
    everywhere(one, two)
    return one, two


def begin(challenger: Adapter, share: float = 1.0) -> Trial:
    return trials.start(challenger=challenger, share=share, now=NOW)


def asked(user: User, candidates: int = 2) -> list[Candidate]:
    """An ask as the page makes it, in a sitting of its own."""
    session = sessions.start(user=user, minutes=10, theme="湖", goal=None, now=NOW)
    said: dict[str, Any] = {"kind": "poem", "form": "wujue", "wish": "湖", "before": "", "candidates": candidates}
    answer = inspiring.ask(session=session, key=uuid.uuid4(), now=NOW, **said)
    assert isinstance(answer, inspiring.Asked)
    Candidate.objects.filter(inspiration=answer.inspiration).update(status="done", text="晓色入平湖", finished_at=NOW)
    return list(Candidate.objects.filter(inspiration=answer.inspiration))


def judged(user: User, better: str | None, kind: str = "prefer", *, finished: bool = True) -> Rating:
    """She prefers the text of an arm, and finishes her morning."""
    texts = asked(user)
    chosen = next((text for text in texts if text.arm == better), None)
    user.rates = True
    said = rating.compare(
        user=user, inspiration=texts[0].inspiration, kind=kind, better=chosen, tags=None, now=timezone.now()
    )
    if finished:
        sessions.finish(session=texts[0].inspiration.session, now=timezone.now())
    return said


def test_her_first_word_counts_since_then_she_sees_who_wrote_which(
    rivals: tuple[Adapter, Adapter], owner: User
) -> None:
    trial = begin(rivals[1])
    said = judged(owner, "challenger", finished=False)
    other = said.inspiration.candidates.get(arm="champion")
    rating.compare(user=owner, inspiration=said.inspiration, kind="prefer", better=other, tags=None, now=timezone.now())
    sessions.finish(session=said.inspiration.session, now=timezone.now())
    counted = trials.figures(trial)
    assert (counted["wins"], counted["losses"]) == (1, 0)


def test_one_of_two_is_the_champion_s_and_one_the_challenger_s_in_an_order_drawn_anew(
    rivals: tuple[Adapter, Adapter], owner: User
) -> None:
    begin(rivals[1])
    first = Counter()  # type: Counter[str]
    for _ in range(24):
        texts = asked(owner)
        assert {text.arm: text.adapter for text in texts} == {
            "champion": rivals[0].name,
            "challenger": rivals[1].name,
        }
        first[texts[0].arm] += 1
    assert set(first) == {"champion", "challenger"}  # one order alone: once in eight million


def test_against_the_base_the_champion_has_no_name(make: Make, owner: User) -> None:
    two = make(2)
    everywhere(two)
    begin(two)
    assert {text.arm: text.adapter for text in asked(owner)} == {"champion": "", "challenger": two.name}


def test_a_single_text_and_a_swapped_line_stand_outside(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    begin(rivals[1])
    assert [text.arm for text in asked(owner, candidates=1)] == [""]
    poem = asked(owner)[0]
    answer = swapping.swap(session=poem.inspiration.session, candidate=poem, line=0, key=uuid.uuid4(), now=NOW)
    assert isinstance(answer, inspiring.Asked)
    assert {text.arm for text in answer.candidates} == {""}


def test_whoever_is_in_stays_in_as_the_share_grows(rivals: tuple[Adapter, Adapter]) -> None:
    trial = begin(rivals[1], share=0.2)
    inside = [{user for user in range(600) if trials.arms(user_id=user, candidates=2)}]
    for share in (0.5, 1.0):
        trials.widen(share=share, now=NOW)
        inside.append({user for user in range(600) if trials.arms(user_id=user, candidates=2)})
    assert inside[0] < inside[1] < inside[2]
    assert [len(each) / 600 for each in inside] == pytest.approx([0.2, 0.5, 1.0], abs=0.08)
    assert trials.place(7, trial.pk) == trials.place(7, trial.pk) != trials.place(7, uuid.uuid4())


def test_a_sitting_is_one_throw_and_counts_once_it_is_finished(
    rivals: tuple[Adapter, Adapter], owner: User, other: User
) -> None:
    begin(rivals[1])
    judged(owner, "challenger")
    judged(other, "champion")
    judged(other, None, kind="tie")
    judged(other, "champion", finished=False)
    rating.withdraw(rating=judged(owner, "challenger"), now=timezone.now())
    counted = trials.count(now=timezone.now())
    assert counted
    assert {name: counted.figures[name] for name in ("wins", "losses", "even")} == {"wins": 1, "losses": 1, "even": 1}


def test_what_another_model_wrote_than_its_arm_says_counts_nothing(
    rivals: tuple[Adapter, Adapter], owner: User
) -> None:
    begin(rivals[1])
    said = judged(owner, "challenger")
    Candidate.objects.filter(inspiration=said.inspiration, arm="challenger").update(adapter="")  # its node had lost it
    counted = trials.count(now=timezone.now())
    assert counted
    assert counted.figures["wins"] == 0


def test_a_challenger_that_wins_is_promoted(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    begin(rivals[1])
    for _ in range(6):
        judged(owner, "challenger")
    assert trials.count(now=timezone.now())
    assert Trial.objects.get().state == "running"  # six of six: evidence 18
    judged(owner, "challenger")
    trials.count(now=timezone.now())
    assert Trial.objects.get().state == "won"
    assert states() == {"a1": "loaded", "a2": "serving"}
    assert trials.count(now=timezone.now()) is None


def test_a_winner_that_cannot_be_promoted_now_waits(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    begin(rivals[1])
    for _ in range(8):
        judged(owner, "challenger")
    promoting.turn_school(paused=True, now=NOW)
    trials.count(now=timezone.now())
    assert (Trial.objects.get().state, states()["a2"]) == ("running", "loaded")
    promoting.turn_school(paused=False, now=NOW)
    trials.count(now=timezone.now())
    assert (Trial.objects.get().state, states()["a2"]) == ("won", "serving")


def test_a_challenger_that_loses_is_retired(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    begin(rivals[1])
    for _ in range(8):
        judged(owner, "champion")
    trials.count(now=timezone.now())
    assert (Trial.objects.get().state, states()) == ("lost", {"a1": "serving", "a2": "retired"})


def test_what_stays_undecided_ends_and_the_champion_stays(rivals: tuple[Adapter, Adapter], settings: Any) -> None:
    trial = begin(rivals[1])
    trials.count(now=trial.started_at + timedelta(days=settings.TRIAL_DAYS + 1))
    trial.refresh_from_db()
    assert (trial.state, trial.figures["why"], states()) == ("stopped", "undecided", {"a1": "serving", "a2": "ready"})


def test_a_challenger_that_fails_in_the_shadow_is_taken_out_of_it(rivals: tuple[Adapter, Adapter]) -> None:
    trial = begin(rivals[1], share=0.0)
    trials.note_shadow(challenger=rivals[1].name, told={"asked": 6, "failed": 4, "broken": 2})
    trials.count(now=timezone.now())
    assert Trial.objects.get().state == "running"  # six of six: evidence 18
    trials.note_shadow(challenger=rivals[1].name, told={"asked": 1, "failed": 1})
    trials.count(now=timezone.now())
    trial.refresh_from_db()
    assert (trial.state, trial.figures["why"], states()) == ("stopped", "failing", {"a1": "serving", "a2": "ready"})


def test_a_healthy_one_stays_in_the_shadow_until_one_that_has_passed_the_gate_takes_its_place(
    rivals: tuple[Adapter, Adapter],
) -> None:
    trial = begin(rivals[1], share=0.0)
    trials.note_shadow(challenger=rivals[1].name, told={"asked": 300, "failed": 20, "broken": 9})
    trials.count(now=timezone.now())
    assert trials.in_shadow() == rivals[1].name
    trials.leave_shadow(now=NOW)
    trial.refresh_from_db()
    assert (trial.state, trial.figures["why"], states()["a2"]) == ("stopped", "made_room", "ready")
    begin(rivals[1], share=0.2)
    trials.leave_shadow(now=NOW)  # which writers meet is left alone
    assert trials.running()


def test_the_ledger_says_that_it_stands_a_trial_only_while_it_does(rivals: tuple[Adapter, Adapter]) -> None:
    run = TrainingRun.objects.create(state="promoted", why="trial", adapter=rivals[1])
    trial = begin(rivals[1])
    with translation.override("en"):
        assert fates._outcome(run) == "passed the gate, and stands a blind trial"
        trials.stop(now=NOW)
        assert (Trial.objects.get().pk, fates._outcome(run)) == (trial.pk, "passed the gate, and stood a blind trial")


def test_with_another_champion_a_trial_is_over(rivals: tuple[Adapter, Adapter]) -> None:
    trial = begin(rivals[1])
    promoting.rollback(now=NOW)
    trial.refresh_from_db()
    assert (trial.state, trial.figures["why"], states()["a2"]) == ("stopped", "champion_changed", "ready")


def test_one_trial_at_a_time_and_of_what_every_node_has_proved(rivals: tuple[Adapter, Adapter], make: Make) -> None:
    three = make(3)
    with pytest.raises(NotPromoted, match="not_proved"):
        begin(three)
    with pytest.raises(NotPromoted, match="serves"):
        begin(rivals[0])
    begin(rivals[1])
    everywhere(*rivals, three)
    with pytest.raises(NotPromoted, match="trial_runs"):
        begin(three)


def test_from_a_terminal(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    with pytest.raises(CommandError, match="No trial is running"):
        call_command("trials", "stop")
    call_command("trials", "start", rivals[1].name, "--share", "25", stdout=StringIO())
    call_command("trials", "share", "100", stdout=StringIO())
    judged(owner, "challenger")
    trials.count(now=timezone.now())
    out = StringIO()
    call_command("trials", "stop", stdout=out)
    assert "stopped at 100% of the writers; 1 sittings won" in out.getvalue()
    assert states()["a2"] == "ready"


def test_a_repeated_ask_keeps_its_arms(rivals: tuple[Adapter, Adapter], owner: User) -> None:
    begin(rivals[1])
    session = sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)
    said: dict[str, Any] = {"kind": "poem", "form": "wujue", "wish": "湖", "before": "", "candidates": 2}
    said |= {"key": uuid.uuid4()}
    first, again = (inspiring.ask(session=session, now=NOW, **said) for _ in range(2))
    assert isinstance(first, inspiring.Asked)
    assert isinstance(again, inspiring.Asked)
    assert [text.arm for text in first.candidates] == [text.arm for text in again.candidates]
    assert Inspiration.objects.count() == 1
    with pytest.raises(Refusal):
        rating.compare(user=owner, inspiration=first.inspiration, kind="tie", better=None, tags=None, now=NOW)
