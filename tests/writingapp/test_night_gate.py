"""What the gate is told of a night's data, and that nobody's words stay where a night was killed."""

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.nights.orders import give
from tests.writingapp.pairs import pair
from tests.writingapp.test_nightly import night, node, said, school, writer
from writingapp.models import TrainingRun, User
from writingapp.night import HOST, clear_up
from writingapp.services import folders

__all__ = ["node", "school", "writer"]
pytestmark = pytest.mark.usefixtures("rows")
State = TrainingRun.State


def test_who_was_killed_before_tidying_up_is_tidied_up_after(settings: Any, tmp_path: Path) -> None:
    ended, at_work = (TrainingRun.objects.create(state=state) for state in (State.FAILED, State.TRAINING))
    by_hand = TrainingRun.objects.create(state=State.TRAINING, holder=f"{HOST}:{2**22 + 1}:gone")
    TrainingRun.objects.filter(pk=at_work.pk).update(night=date(2026, 1, 1))
    for run in (ended, at_work, by_hand):
        (folders.folder_of(run) / "data.jsonl").write_text("her words", encoding="utf-8")
    broken_off = settings.RUNS / f"{folders.IMPORTING}x"
    broken_off.mkdir()
    os.utime(broken_off, (0, 0))
    clear_up(timezone.now())
    left = {run.pk for run in (ended, at_work, by_hand) if (folders.folder_of(run) / "data.jsonl").exists()}
    assert left == {at_work.pk}
    assert not broken_off.exists()
    by_hand.refresh_from_db()
    assert (by_hand.state, by_hand.why) == (State.FAILED, "killed")


def test_a_run_by_hand_that_nobody_has_heard_of_is_ended_wherever_it_was(tmp_path: Path) -> None:
    """On a host that is no more, or under the number of a process that is another one now."""
    now = timezone.now()
    said: dict[str, Any] = {"state": State.TRAINING, "lease_until": now}
    gone = [TrainingRun.objects.create(holder=f"{host}:{os.getpid()}:x", **said) for host in ("elsewhere", HOST)]
    said["lease_until"] = now + timedelta(seconds=30)
    alive = TrainingRun.objects.create(holder=f"elsewhere:{os.getpid()}:x", **said)
    clear_up(now)
    assert set(TrainingRun.objects.filter(state=State.FAILED, why="killed")) == set(gone)
    alive.refresh_from_db()
    assert alive.state == State.TRAINING


def test_halves_that_a_kill_left_go_with_the_rest(tmp_path: Path) -> None:
    folder = folders.folder_of(TrainingRun.objects.create(state=State.FAILED))
    for name in (".adapter.making", ".adapter-0.5.77"):
        (folder / name).mkdir()
    for name in (".data.jsonl.making", ".gate.json.making", "frozen.making", "config.json"):
        (folder / name).write_text("her words", encoding="utf-8")
    clear_up(timezone.now())
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_what_adapters_wrote_for_a_judge_goes_once_none_reads_it_any_more(settings: Any) -> None:
    measured = settings.RUNS / folders.MEASURED
    measured.mkdir(parents=True)
    for name in ("texts-old.jsonl", "texts-new.jsonl", "read-old.json"):
        (measured / name).write_text("{}", encoding="utf-8")
        os.utime(measured / name, (0, 0) if "old" in name else None)
    judging = TrainingRun.objects.create(state=State.GATING, night=date(2026, 1, 1))
    clear_up(timezone.now())
    assert len(list(measured.iterdir())) == 3
    TrainingRun.objects.filter(pk=judging.pk).update(state=State.REFUSED)
    clear_up(timezone.now())
    assert {path.name for path in measured.iterdir()} == {"texts-new.jsonl", "read-old.json"}


def test_the_gate_hears_the_house_s_share_once_it_can_hold(node: None, school: Path) -> None:
    writers = [User.objects.create_user(username=f"writer{n}", consents=True) for n in range(4)]
    for each, count in zip(writers, (9, 3, 3, 3), strict=True):
        said(each, count)
    run = night()
    given = json.loads((school / "gate.json").read_text(encoding="utf-8"))
    assert given["limits"] == {"heavy_writer": 0.3}
    assert max(given["pairs_of"].values()) <= 0.3 * sum(given["pairs_of"].values())
    assert run.manifest["set_aside"] == 18 - run.pairs.count() > 0
    assert run.state == State.PROMOTED


def test_sentences_of_hers_are_canaries(node: None, writer: User, school: Path) -> None:
    said(writer)
    pair(writer, state="approved", kind="continue", wish="她在桥上等了一个没有雾的早晨。短句")
    night()
    given = json.loads((school / "gate.json").read_text(encoding="utf-8"))
    assert given["canaries"] == ["她在桥上等了一个没有雾的早晨"]


def test_what_is_tried_lies_where_nodes_read_and_nothing_untried_counts_as_judged(
    settings: Any, node: None, writer: User, school: Path
) -> None:
    said(writer)
    give(school, reasons=["not_taken"])
    first = night()
    given = json.loads((school / "gate.json").read_text(encoding="utf-8"))
    assert given["shared"] == str(settings.ADAPTERS)
    assert first.config["frozen"] == str(settings.RUNS / folders.MEASURED / "frozen.jsonl")
    assert (first.state, first.why) == (State.REFUSED, "not_taken")
    TrainingRun.objects.update(night=date(2026, 1, 1))
    give(school)
    assert night().state == State.PROMOTED
