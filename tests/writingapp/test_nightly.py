"""The night: who holds it, what each ending says, and that nothing which was not judged writes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from django.conf import settings as settings_of
from django.db import connection
from django.utils import timezone

from tests.nights.fitter import fitting_nodes
from tests.nights.orders import give, told
from tests.processes_inference import fake_node
from tests.writingapp.pairs import pair
from training import config, judge
from writingapp import tasks
from writingapp.models import Adapter, EngineNode, Pair, Rating, TrainingRun, Trial, User
from writingapp.night import HOST, Night, Watch, is_dead
from writingapp.services import folders, nightly, nodes, promoting, rating, runs
from writingapp.services.hours import Window
from writingapp.services.nightly import LEASE, take

pytestmark = pytest.mark.usefixtures("rows")
State = TrainingRun.State
SHANGHAI_3 = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)  # 03:00 on the 24th


@pytest.fixture(autouse=True)
def school(settings: Any, tmp_path: Path) -> Path:
    """Answers the base's folder, in which orders lie."""
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "registry"
    settings.NIGHT_TRAINER, settings.NIGHT_JUDGE = "tests.nights.trainer", "tests.nights.judge"
    settings.TRAIN_FEWEST, settings.NIGHT_BASE = 3, str(tmp_path / "base")
    return give(tmp_path / "base")


@pytest.fixture
def node() -> Iterator[None]:
    with fake_node(rate=0) as started, fitting_nodes():
        nodes.put(name="n", kind="fake", url=started.url, model="qwen")
        yield


@pytest.fixture
def writer() -> User:
    return User.objects.create_user(username="writer", consents=True)


def said(writer: User, count: int = 4) -> list[Pair]:
    return [pair(writer, state="approved") for _ in range(count)]


def tonight(hours: float = 1) -> Window:
    now = timezone.now()
    return Window(timezone.localdate(now), now, now + timedelta(hours=hours))


def night(hours: float = 1) -> TrainingRun:
    """One, from its beginning to its end; read anew."""
    run = Watch().tick(tonight(hours))
    assert run is not None
    return TrainingRun.objects.get(pk=run.pk)


# --- who
def test_of_two_beats_one_takes_the_night() -> None:
    meeting, took = threading.Barrier(2), []

    def beat(name: str) -> None:
        try:
            meeting.wait()
            took.append(take(holder=name, now=SHANGHAI_3))
        finally:
            connection.close()

    beats = [threading.Thread(target=beat, args=[name]) for name in ("one", "two")]
    for each in beats:
        each.start()
    for each in beats:
        each.join()
    assert sum(run is not None for run in took) == TrainingRun.objects.count() == 1


def test_a_lease_is_kept_runs_out_and_fences_whoever_lost_it() -> None:
    run = take(holder="one", now=SHANGHAI_3)
    assert run is not None
    soon = SHANGHAI_3 + timedelta(seconds=50)
    assert nightly.keep(run=run.pk, holder="one", now=soon)
    assert take(holder="two", now=SHANGHAI_3 + LEASE) is None
    other = take(holder="two", now=soon + LEASE)
    assert other is not None
    assert (other.pk, other.attempt) == (run.pk, 2)
    assert not nightly.keep(run=run.pk, holder="one", now=soon)
    with pytest.raises(nightly.LeaseLost):
        nightly.end(run=run, holder="one", state=State.FAILED, why="killed", now=soon)


def test_a_holder_of_this_host_thatis_dead_need_not_be_waited_for() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    now = timezone.now()
    run = take(holder=f"{HOST}:{gone.pid}:abc", now=now, window=tonight())
    assert run
    assert not is_dead(f"elsewhere:{gone.pid}:abc")
    assert not is_dead(f"{HOST}:{os.getpid()}:abc")
    other = take(holder="two", now=now, is_dead=is_dead)
    assert other is not None
    assert other.pk == run.pk


def test_a_clock_that_is_set_back_or_forward_blocks_nothing_and_doubles_nothing() -> None:
    run = take(holder="one", now=SHANGHAI_3)
    assert run is not None
    back = SHANGHAI_3 - timedelta(hours=5)
    again = take(holder="two", now=back)  # such a lease nobody can have given
    assert again is not None
    nightly.end(run=again, holder="two", state=State.SKIPPED, why="too_few_pairs", now=back)
    assert take(holder="two", now=SHANGHAI_3) is None
    ahead = take(holder="two", now=SHANGHAI_3 + timedelta(days=400))
    assert ahead is not None
    nightly.end(run=ahead, holder="two", state=State.SKIPPED, why="too_few_pairs", now=SHANGHAI_3)
    assert take(holder="two", now=SHANGHAI_3) is None
    assert take(holder="two", now=SHANGHAI_3 + timedelta(days=1)) is not None


def test_no_night_begins_while_the_school_is_paused() -> None:
    promoting.turn_school(paused=True, now=SHANGHAI_3)
    assert take(holder="one", now=SHANGHAI_3) is None
    promoting.turn_school(paused=False, now=SHANGHAI_3)
    assert take(holder="one", now=SHANGHAI_3) is not None


def test_the_night_worker_loads_neither_the_pages_nor_the_scribe_nor_what_trains() -> None:
    heavy = {"torch", "transformers", "numpy", "writingapp.tasks", "writingapp.scribe", "writingapp.urls"}
    load = "import sys; from writingapp.celery import night; night.loader.import_default_modules()"
    look = (
        f"{load}; assert night.tasks['night.tick']; found = {heavy} & set(sys.modules); sys.exit(str(found or '') or 0)"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "writingapp.settings"}
    done = subprocess.run([sys.executable, "-c", look], cwd=settings_of.ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


# --- what
def test_a_night_from_ratings_to_the_adapter_that_writes(node: None, writer: User, school: Path) -> None:
    pairs = said(writer)
    run = night()
    adapter = Adapter.objects.get()
    assert (run.state, run.why, run.adapter) == (State.PROMOTED, "", adapter)
    assert (adapter.state, adapter.origin, adapter.base) == ("serving", "night", "qwen")
    assert adapter.gate["passed"] is True
    assert adapter.promoted_at
    assert set(run.pairs.all()) == set(pairs)
    assert set(Rating.objects.values_list("fate", flat=True)) == {Rating.Fate.TRAINED}
    assert [word.split()[0] for word in told(school)] == ["train", "save", "trained", "judge"]
    given = json.loads((school / "gate.json").read_text(encoding="utf-8"))
    assert given["pairs_of"] == {writer.pseudonym: 4}
    assert set(given["writer_of"].values()) == {writer.pseudonym}
    assert given["limits"] == {"heavy_writer": 1.0}  # of one writer no share can hold
    assert (given["model"], given["kind"], given["serving"]) == ("qwen", "fake", "")
    folder = folders.folder_of(run)
    left = {path.name for path in folder.iterdir()}  # nobody's words stay there, and weights lie in the registry
    assert left == {"config.json", "manifest.json", "outcome.json", "verdict.json", "log.txt", "lock"}
    assert run.config["finish_by"] < (run.deadline or SHANGHAI_3).timestamp()


def test_the_next_adapter_is_measured_beside_the_one_that_writes(node: None, writer: User, school: Path) -> None:
    said(writer)
    first = night().adapter
    assert first
    TrainingRun.objects.update(night=date(2026, 1, 1))
    said(writer, 1)
    second = night().adapter
    first.refresh_from_db()
    assert second
    assert (first.state, second.state, second.parent) == ("loaded", "serving", first)
    given = json.loads((school / "gate.json").read_text(encoding="utf-8"))
    assert given["serving"] == first.folder


def test_with_nothing_new_it_is_skipped(node: None, writer: User, school: Path) -> None:
    said(writer)
    night()
    TrainingRun.objects.update(night=date(2026, 1, 1))
    again = night()
    assert (again.state, again.why) == (State.SKIPPED, "nothing_new")
    assert sum(word.startswith("train ") for word in told(school)) == 1


def test_too_few_pairs_are_skipped_and_say_so(node: None, writer: User) -> None:
    said(writer, 2)
    run = night()
    assert (run.state, run.why, run.letter["learnt"]) == (State.SKIPPED, "too_few_pairs", 2)
    assert not Adapter.objects.exists()


def test_for_too_few_pairs_no_base_is_made(node: None, writer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    making = Mock(side_effect=AssertionError("a base was made for nothing"))
    monkeypatch.setattr(Night, "_base", making)
    said(writer, 2)
    assert night().why == "too_few_pairs"
    making.assert_not_called()


def test_without_a_node_that_takes_adapters_it_is_skipped(writer: User) -> None:
    said(writer)
    assert night().why == "no_node"


@pytest.mark.parametrize(
    ("orders", "state", "why"),
    [
        ({"reasons": ["displaced", "form"]}, State.REFUSED, "displaced"),
        ({"speechless": True}, State.FAILED, "gate_broken"),
        ({"fails": "not_finite"}, State.FAILED, "not_finite"),
    ],
)
def test_what_the_gate_has_not_passed_does_not_write(
    node: None, writer: User, school: Path, orders: dict[str, Any], state: str, why: str
) -> None:
    give(school, **orders)
    said(writer)
    run = night()
    assert (run.state, run.why) == (state, why)
    assert not Adapter.objects.exists()


def test_an_engine_that_is_away_is_tried_again(node: None, writer: User, school: Path) -> None:
    give(school, code=3)
    said(writer)
    run = night()
    assert (run.state, run.attempt, run.lease_until) == (State.GATING, 1, None)
    give(school)
    assert night().state == State.PROMOTED


def test_a_node_that_is_started_with_its_adapters_is_not_asked_but_its_file_is_named(writer: User) -> None:
    row = EngineNode(name="e", kind="llamacpp", model="qwen", managed=True, plan={"model": "/models/q.gguf"})
    run = TrainingRun.objects.create(config={"served_as": "qwen"})
    given = nightly.to_judge(run=run, node=row)
    assert (given["gguf"], "engine" in given) == ("/models/q.gguf", False)


def test_what_a_night_gives_to_training_and_to_the_judge_is_what_they_read(
    node: None, writer: User, school: Path, settings: Any
) -> None:
    settings.NIGHT_KNOBS = "rank=16 learning_rate=2e-5 loss=robust"
    said(writer)
    run = night()
    folder = school / "read"
    folder.mkdir()
    (folder / "gate.json").write_bytes((school / "gate.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(run.config), encoding="utf-8")
    assert judge.read(folder).pairs_of == {writer.pseudonym: 4}
    assert (config.read(folder).rank, config.read(folder).loss) == (16, "robust")


@pytest.mark.parametrize(("learnt", "a_step"), [(1, 1), (31, 1), (40, 2), (128, 8), (2000, 8)])
def test_a_small_night_makes_small_steps_unless_told_otherwise(learnt: int, a_step: int, settings: Any) -> None:
    now = timezone.now()

    def made() -> dict[str, Any]:
        return nightly._config(now, Path("/base"), "qwen", now, learnt=learnt)

    assert made()["groups_a_step"] == a_step
    settings.NIGHT_KNOBS = "groups_a_step=4"
    assert made()["groups_a_step"] == 4


def test_with_a_share_it_stands_a_trial_first_and_the_next_night_waits_for_that(
    node: None, writer: User, settings: Any
) -> None:
    settings.TRIAL_SHARE = 20
    said(writer)
    run = night()
    trial = Trial.objects.get()
    assert (run.state, run.why, trial.challenger, trial.share) == (State.PROMOTED, "trial", run.adapter, 0.2)
    assert set(Adapter.objects.values_list("state", flat=True)) == {"loaded"}
    TrainingRun.objects.update(night=date(2026, 1, 1))
    said(writer, 1)
    assert (night().why, trial.state) == ("trial", "running")


def test_pairs_that_went_with_their_writer_count_as_taken_back(writer: User) -> None:
    pairs = said(writer)
    run = TrainingRun.objects.create(manifest={"pairs": {"train": 3, "held_out": 1}})
    run.pairs.set(pairs)
    assert runs.is_clean(run)
    pairs[0].delete()
    assert not runs.is_clean(run)


def test_the_call_for_a_night_lies_apart_from_the_calls_for_poems() -> None:
    tasks.call_night()
    with (
        redis.Redis.from_url(settings_of.REDIS_NIGHT) as apart,
        redis.Redis.from_url(settings_of.REDIS_BROKER) as calls,
    ):
        assert (apart.llen("night"), calls.llen("night")) == (1, 0)


def test_at_the_deadline_training_is_stopped_cleanly(node: None, writer: User, school: Path) -> None:
    give(school, train=60)
    said(writer)
    run = night(hours=4 / 3600)
    assert (run.state, run.why) == (State.STOPPED, "deadline")
    assert [word.split()[0] for word in told(school)] == ["train", "stopped"]


def test_what_is_taken_back_meanwhile_does_not_write(node: None, writer: User, school: Path) -> None:
    give(school, train=2)
    [first, *_] = said(writer)

    def take_back() -> None:
        try:
            while not told(school):
                threading.Event().wait(0.05)
            rating.withdraw(rating=first.ratings.get(), now=timezone.now())
        finally:
            connection.close()

    changing = threading.Thread(target=take_back)
    changing.start()
    run = night()
    changing.join()
    assert (run.state, run.why) == (State.STOPPED, "withdrawn")
    assert not Adapter.objects.filter(state="serving").exists()


def test_a_worker_that_is_told_to_go_leaves_the_night_to_the_next(node: None, writer: User, school: Path) -> None:
    give(school, train=60)
    said(writer)
    watch = Watch()

    def leave() -> None:
        while not told(school):
            threading.Event().wait(0.05)
        watch.leave()

    leaving = threading.Thread(target=leave)
    leaving.start()
    run = watch.tick(tonight())
    leaving.join()
    assert run
    left = TrainingRun.objects.get(pk=run.pk)
    assert (left.state, left.lease_until, left.attempt) == (State.TRAINING, None, 0)
    give(school)
    assert night().state == State.PROMOTED


def test_what_breaks_off_again_and_again_is_given_up(writer: User, node: None, school: Path) -> None:
    run = take(holder="one", now=timezone.now(), window=tonight())
    assert run
    TrainingRun.objects.filter(pk=run.pk).update(attempt=nightly.MOST_ATTEMPTS, lease_until=None)
    assert night().why == "too_many_attempts"
