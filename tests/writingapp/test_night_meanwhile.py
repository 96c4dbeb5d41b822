"""What happens beside a night, or between two of its steps: nothing of it is lost, and nothing writes for it."""

from contextlib import suppress
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.nights.orders import give
from tests.tiny_adapter import tiny_adapter
from tests.writingapp.test_nightly import SHANGHAI_3, night, node, said, school, tonight, writer
from writingapp.models import Adapter, AuditEvent, EngineNode, Pair, Rating, TrainingRun, Trial, User
from writingapp.services import adapters, letters, nightly, promoting, rating, runs
from writingapp.services.nightly import take

__all__ = ["node", "school", "writer"]
pytestmark = pytest.mark.usefixtures("rows")
State = TrainingRun.State


def test_what_was_taken_back_and_given_again_is_learnt_anew(node: None, writer: User) -> None:
    [first, *_] = said(writer)
    tainted = night().adapter
    rating.withdraw(rating=first.ratings.get(), now=timezone.now())
    Rating.objects.update(withdrawn_at=None, consent=True)
    Pair.objects.update(state="approved")
    TrainingRun.objects.update(night=date(2026, 1, 1))
    run = night()
    assert (run.state, run.config["seed"]) == (State.PROMOTED, 1)
    assert run.adapter != tainted


def test_while_a_challenger_is_in_the_shadow_nights_train_and_one_that_passes_takes_its_place(
    node: None, writer: User, settings: Any
) -> None:
    settings.TRIAL_SHARE = 20
    said(writer)
    first = night().adapter
    Trial.objects.update(share=0)
    TrainingRun.objects.update(night=date(2026, 1, 1))
    said(writer, 1)
    run = night()
    assert (run.state, run.why) == (State.PROMOTED, "trial")
    ended, running = Trial.objects.get(challenger=first), Trial.objects.get(challenger=run.adapter)
    assert (ended.state, ended.figures["why"], running.state) == ("stopped", "made_room", "running")


def test_a_night_whose_base_is_served_no_more_ends_instead_of_judging_for_nobody(
    node: None, writer: User, school: Path
) -> None:
    give(school, code=3)  # the engine is away when it is to be judged
    said(writer)
    assert night().state == State.GATING
    EngineNode.objects.update(model="another")
    run = night()
    assert (run.state, run.why) == (State.STOPPED, "model_gone")
    assert "another model" in letters.paragraph(run, "en")


def test_the_letter_tells_what_an_attempt_had_read_that_was_killed(
    writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in said(writer):
        each.delete()
    Rating.objects.update(fate="waiting")
    run = take(holder="one", now=timezone.now(), window=tonight())
    assert run is not None
    told: dict[str, Any] = {"run": run, "holder": "one", "now": timezone.now()}
    with monkeypatch.context() as killed:
        killed.setattr(runs, "trainable", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            nightly.read(**told)
    nightly.read(**told | {"run": TrainingRun.objects.get()})
    stands = TrainingRun.objects.get()
    assert (stands.letter["ratings"], stands.manifest["made"], Pair.objects.count()) == (4, 4, 4)


def test_what_is_taken_back_while_the_weights_are_copied_never_writes(
    writer: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, now = said(writer), timezone.now()
    made = tiny_adapter(tmp_path / "made")
    facts: dict[str, Any] = {"config": {"served_as": "qwen"}, "manifest": {"pairs": {"train": 4}}}
    facts["gate"] = {"passed": True, "adapter": str(made)}
    run = TrainingRun.objects.create(night=now.date(), state=State.PROMOTING, holder="one", **facts)
    run.pairs.set(pairs)
    copy = adapters._copy

    def meanwhile(folder: Path, kept: Path) -> None:
        copy(folder, kept)
        rating.withdraw(rating=pairs[0].ratings.get(), now=now)

    monkeypatch.setattr(adapters, "_copy", meanwhile)
    row = nightly.registered(run=run, holder="one", now=now)
    row.refresh_from_db()
    assert (row.state, row.tainted_at) == ("retired", now)
    with pytest.raises(promoting.NotPromoted, match="withdrawn"):
        promoting.promote(adapter=row, now=now)


def test_an_adapter_whose_night_ends_for_what_she_said_anew_never_writes(writer: User, tmp_path: Path) -> None:
    pairs, now = said(writer), timezone.now()
    row = adapters.register(folder=tiny_adapter(tmp_path / "made"), label="night", base="qwen")
    run = TrainingRun.objects.create(state=State.PROMOTING, holder="one", manifest={"pairs": {"train": 4}}, adapter=row)
    run.pairs.set(pairs)
    ask = pairs[0].inspiration
    rating.compare(user=writer, inspiration=ask, kind="tie", better=None, tags=None, now=now)
    nightly.end(run=run, holder="one", state=State.STOPPED, why="withdrawn", now=now)
    row.refresh_from_db()
    assert (row.state, row.tainted_at) == ("retired", now)


def test_who_lost_the_lease_registers_nothing(writer: User, tmp_path: Path) -> None:
    facts: dict[str, Any] = {"config": {"served_as": "qwen"}, "manifest": {"pairs": {}}}
    facts["gate"] = {"adapter": str(tiny_adapter(tmp_path / "made"))}
    run = TrainingRun.objects.create(state=State.PROMOTING, holder="two", **facts)
    with pytest.raises(nightly.LeaseLost):
        nightly.registered(run=run, holder="one", now=timezone.now())
    run.refresh_from_db()
    assert (run.adapter, Adapter.objects.count()) == (None, 0)


def test_who_is_taken_for_dead_and_has_ended_the_night_is_not_overwritten() -> None:
    run = take(holder="one", now=SHANGHAI_3)
    assert run is not None

    def ends_it(holder: str) -> bool:
        nightly.end(run=run, holder=holder, state=State.REFUSED, why="form", now=SHANGHAI_3)
        return True

    assert take(holder="two", now=SHANGHAI_3, is_dead=ends_it) is None
    stands = TrainingRun.objects.get()
    assert (stands.state, stands.holder, stands.attempt) == (State.REFUSED, "one", 1)


def test_a_night_by_hand_is_in_the_trail_once_it_has_begun(node: None) -> None:
    promoting.turn_school(paused=True, now=SHANGHAI_3)
    for paused, begun in ((True, 0), (False, 1)):
        promoting.turn_school(paused=paused, now=SHANGHAI_3)
        with suppress(CommandError):
            call_command("night", now=True, stdout=StringIO())
        assert AuditEvent.objects.filter(action="night.begun").count() == begun
