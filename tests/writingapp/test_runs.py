"""A run by hand: what it learns from, that it really trains, and that nothing serves which was not judged."""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tiny_adapter import tiny_adapter
from tests.training import tiny_base
from tests.writingapp.pairs import pair
from training.pairs import split_of
from writingapp import night
from writingapp.management.commands import train
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun, User
from writingapp.services import adapters, rating, runs, sessions
from writingapp.services.pairing import pair_up

NOW = timezone.now()
LATER = NOW + timedelta(minutes=5)
Give = Callable[..., Rating]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> User:
    return User.objects.create_user(username="writer", consents=True)


@pytest.fixture
def give(writer: User) -> Give:
    """She prefers rain to dust, under a wish of her own."""

    def prefer(wish: str = "rain", **more: Any) -> Rating:
        session = sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=NOW)
        fields: dict[str, Any] = {"kind": "poem", "form": "free", "wish": wish, "language": "en"}
        fields["messages"] = [{"role": "user", "content": wish}]
        made = Inspiration.objects.create(session=session, key=uuid.uuid4(), **fields | more)
        texts = [f"rain on the {wish}\nand rain", f"dust over all of {wish}\nonly dust"]
        rows = [
            Candidate.objects.create(
                inspiration=made, position=at, text=text, sampling={}, status="done", queued_at=NOW
            )
            for at, text in enumerate(texts)
        ]
        return rating.compare(user=writer, inspiration=made, kind="prefer", better=rows[0], tags=None, now=NOW)

    return prefer


def approved() -> None:
    pair_up(night=NOW.date(), now=NOW)
    Pair.objects.filter(state=Pair.State.WAITING).update(state=Pair.State.APPROVED)


def test_only_what_is_approved_and_consented_is_learnt(give: Give, settings: Any) -> None:
    kept, taken_back, refused = give("lake"), give("hill"), give("road")
    approved()
    late = give("mist")
    pair_up(night=NOW.date(), now=NOW)
    rating.withdraw(rating=taken_back, now=NOW)
    rating.allow(rating=refused, consent=False, now=NOW)
    assert [pair.inspiration_id for pair in runs.trainable()] == [kept.inspiration_id]
    settings.TRAIN_UNREVIEWED = True
    assert {pair.inspiration_id for pair in runs.trainable()} == {kept.inspiration_id, late.inspiration_id}


def test_what_she_says_while_it_trains_waits_for_the_night_again(give: Give, writer: User) -> None:
    kept, changed, refused = give("lake"), give("hill"), give("road")
    approved()
    Pair.objects.update(split=Pair.Split.TRAIN)
    run = TrainingRun.objects.create()
    run.pairs.set(Pair.objects.all())
    better = changed.inspiration.candidates.get(position=1)
    rating.compare(user=writer, inspiration=changed.inspiration, kind="prefer", better=better, tags=None, now=LATER)
    rating.allow(rating=refused, consent=False, now=LATER)
    runs.have_trained(run)
    fates = [Rating.objects.get(pk=each.pk).fate for each in (kept, changed, refused)]
    assert fates == ["trained", "waiting", "no_consent"]
    pair_up(night=NOW.date(), now=LATER)
    assert Pair.objects.filter(chosen=better).exists()


def test_what_was_taken_back_while_it_trained_taints_a_run_by_hand(give: Give, settings: Any, tmp_path: Path) -> None:
    settings.TRAIN_FEWEST, settings.ADAPTERS = 1, tmp_path / "registry"
    said = give()
    approved()
    Pair.objects.update(split=Pair.Split.TRAIN)
    run, _ = runs.begin(method="dpo", now=NOW, holder="here:1:x")
    assert run.lease_until == NOW + runs.LEASE
    rating.withdraw(rating=said, now=LATER)
    made = adapters.lay(folder=tiny_adapter(tmp_path / "made"), label="run", base="tiny")
    assert not Adapter.objects.exists()
    runs.learnt(run=run, adapter=made, manifest={}, now=LATER)
    stands = TrainingRun.objects.get()
    assert stands.adapter is not None
    assert (stands.adapter.state, stands.adapter.tainted_at) == ("retired", LATER)
    assert stands.lease_until is None


def test_a_run_by_hand_that_was_taken_for_dead_ends_its_training(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = TrainingRun.objects.create(state="training", holder="here:1:x", lease_until=NOW)
    monkeypatch.setattr(night, "BEAT", 0.0)
    runs.ended(run=run, state=TrainingRun.State.FAILED, why="killed", now=NOW)
    with pytest.raises(CommandError, match="taken for dead"):
        train._trained(run, tmp_path)


def test_a_group_is_what_the_model_saw_and_what_she_chose(give: Give, settings: Any) -> None:
    said = give("lake")
    approved()
    [group] = runs.groups_of(runs.trainable())
    assert group["prompt"] == [{"role": "user", "content": "lake"}]
    [pair] = group["pairs"]
    assert group["completions"][pair["chosen"]]["text"].startswith("rain on the lake")
    assert (pair["gap"], pair["weight"]) == (0.5, 1.0)
    split = split_of(str(said.inspiration_id), settings.PAIRS_SPLIT_KEY.encode())
    assert group["held_out"] is (split == "held_out")


def test_without_pairs_a_method_learns_what_was_liked_and_not_what_was_not(give: Give) -> None:
    give("lake")
    approved()
    [group] = runs.groups_of(runs.trainable())
    said = {each["text"].split(" ")[0]: (each["label"], each["weight"]) for each in group["completions"]}
    assert said == {"rain": (True, 0.5), "dust": (False, 0.5)}


@pytest.mark.parametrize("method", ["sft", "kto"])
def test_methods_without_pairs_train(give: Give, settings: Any, tmp_path: Path, method: str) -> None:
    settings.TRAIN_FEWEST, settings.PAIRS_A_WRITER = 4, 100
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "adapters"
    for n in range(12):
        give(f"place {n}")
    approved()
    knobs = ["rank=4", "alpha=8", "threads=1", f"method={method}"]
    call_command("train", base=tiny_base.write(tmp_path / "base"), served_as="tiny", set=knobs, stdout=StringIO())
    assert Adapter.objects.exists()


def test_no_writer_has_more_than_the_house_s_share_and_the_same_of_hers_stay(settings: Any) -> None:
    writers = [User.objects.create_user(username=f"writer{n}", consents=True) for n in range(5)]
    for each, count in zip(writers, (40, 10, 10, 10, 3), strict=True):
        for _ in range(count):
            pair(each, state="approved")
    kept = runs.evened(list(runs.trainable()))
    assert runs.heaviest(kept) <= 0.3
    assert Counter(Counter(each.writer for each in kept).values()) == {14: 1, 10: 3, 3: 1}
    assert {each.pk for each in kept} == {each.pk for each in runs.evened(list(runs.trainable()))}
    settings.PAIRS_SHARE = 100
    assert len(runs.evened(list(runs.trainable()))) == 73


def test_where_no_share_can_hold_all_is_learnt(settings: Any) -> None:
    writers = [User.objects.create_user(username=f"writer{n}", consents=True) for n in range(4)]
    for each, count in zip(writers, (30, 1, 1, 1), strict=True):
        for _ in range(count):
            pair(each, state="approved")
    assert len(runs.evened(list(runs.trainable()))) == 33


def test_a_swapped_line_is_learnt_within_its_poem(give: Give) -> None:
    poem = give("lake").candidate
    assert poem is not None
    swapped = give("lake", kind="swap", of=poem, line=1, messages=[{"role": "assistant", "content": "rain\n"}])
    within = {"constraint": {"form": "free", "instead": {"poem": "one\ntwo\nthree", "line": 1}}}
    Candidate.objects.filter(inspiration=swapped.inspiration).update(sampling=within)
    approved()
    groups = {group["id"]: group for group in runs.groups_of(runs.trainable())}
    group = groups[str(swapped.inspiration_id)]
    assert group["prompt"] == poem.inspiration.messages
    assert all(each["text"].startswith("one\n") and each["text"].endswith("\nthree") for each in group["completions"])


def test_with_too_few_pairs_it_is_skipped_and_says_so(give: Give, tmp_path: Path) -> None:
    give()
    approved()
    with pytest.raises(CommandError, match="too few"):
        call_command("train", base=tmp_path, served_as="tiny")
    run = TrainingRun.objects.get()
    assert (run.state, run.why) == ("skipped", "too_few_pairs")


def test_it_trains_registers_and_does_not_serve(give: Give, settings: Any, tmp_path: Path) -> None:
    settings.TRAIN_FEWEST, settings.PAIRS_A_WRITER = 4, 100
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "adapters"
    ratings = [give(f"place {n}") for n in range(16)]
    approved()
    base = tiny_base.write(tmp_path / "base")
    out = StringIO()
    call_command("train", base=base, served_as="tiny", set=["rank=4", "alpha=8", "threads=1"], stdout=out)
    run = TrainingRun.objects.get()
    adapter = Adapter.objects.get()
    assert (run.state, run.why, run.adapter) == ("stopped", "not_judged", adapter)
    assert (adapter.state, adapter.base) == ("ready", "tiny")
    assert adapter.name in out.getvalue()
    assert "not serving" in out.getvalue()
    assert run.config["rank"] == 4
    assert run.manifest["outcome"]["state"] == "done"
    assert set(run.pairs.all()) == set(Pair.objects.all())
    learnt = set(Pair.objects.filter(split=Pair.Split.TRAIN).values_list("inspiration_id", flat=True))
    trained = Rating.objects.filter(fate=Rating.Fate.TRAINED).values_list("inspiration_id", flat=True)
    assert set(trained) == learnt
    left = {path.name for path in (settings.RUNS / str(run.pk)).iterdir()}
    assert left == {"config.json", "manifest.json", "outcome.json", "progress.jsonl"}  # no words, no weights
    rating.withdraw(rating=ratings[0], now=timezone.now())
    adapter.refresh_from_db()
    assert adapter.tainted_at is not None


def test_a_run_that_cannot_be_says_why(give: Give, settings: Any, tmp_path: Path) -> None:
    settings.TRAIN_FEWEST, settings.RUNS = 1, tmp_path / "runs"
    for n in range(12):
        give(f"place {n}")
    approved()
    with pytest.raises(CommandError, match="No adapter"):
        call_command("train", base=tmp_path / "nothing", served_as="tiny", set=["rank=0"])
    assert TrainingRun.objects.get().state == "failed"
    assert not Adapter.objects.exists()
