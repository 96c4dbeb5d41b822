"""A run by hand: what it learns from, that it really trains, and that nothing serves which was not judged."""

import json
import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.training import tiny_base
from training.pairs import split_of
from writingapp.models import Adapter, Candidate, Inspiration, Pair, Rating, TrainingRun, User
from writingapp.services import rating, runs, sessions
from writingapp.services.pairing import pair_up

NOW = timezone.now()
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
    assert (run.state, run.adapter, adapter.state, adapter.base) == ("gating", adapter, "ready", "tiny")
    assert adapter.name in out.getvalue()
    assert "not serving" in out.getvalue()
    assert run.config["rank"] == 4
    assert run.manifest["outcome"]["state"] == "done"
    assert set(run.pairs.all()) == set(Pair.objects.all())
    assert {Rating.objects.get(pk=each.pk).fate for each in ratings} == {Rating.Fate.TRAINED}
    lines = (settings.RUNS / str(run.pk) / "data.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["id"] for line in lines} == {str(each.inspiration_id) for each in ratings}
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
