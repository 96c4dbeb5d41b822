"""An adapter from elsewhere comes in only through the gate."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.training import tiny_base
from tests.training.test_judge import LOOSE
from tests.writingapp.pairs import pair
from training import trainer
from writingapp.management import importing
from writingapp.models import Adapter, Pair, User
from writingapp.services import folders, rating, runs

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.timeout(600)]  # politely, beside whatever else runs


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_base.write(tmp_path / "base")


@pytest.fixture
def loose(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model of bytes has habits by chance; two asks, and habits count for nothing, as in test_judge.py."""
    give = importing._give

    def given(run: Path, *said: Any) -> None:
        give(run, *said)
        folders.give_json(run / "gate.json", folders.told(run / "gate.json") | {"asks": 2, "limits": LOOSE})

    monkeypatch.setattr(importing, "_give", given)


@pytest.fixture(autouse=True)
def rooms(tmp_path: Path, settings: LazySettings) -> None:
    settings.RUNS, settings.ADAPTERS = tmp_path / "runs", tmp_path / "adapters"


def bring_in(folder: Path, base: Path) -> None:
    call_command("adapters", "import", str(folder), "--label", "guest", "--base", "tiny", "--base-folder", str(base))


def test_of_a_house_without_judgements_nothing_can_be_said_so_it_stays_outside(base: Path, tmp_path: Path) -> None:
    run = tiny_base.run(tmp_path / "run", base)
    trainer.train(run)
    (run / "adapter/training_args.bin").write_bytes(b"\x80\x04.")  # as transformers leaves it; it stays behind
    with pytest.raises(CommandError, match="the gate refuses it: too_little"):
        bring_in(run / "adapter", base)
    assert not Adapter.objects.exists()
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.usefixtures("loose")
def test_what_passes_the_gate_lies_in_the_registry_and_does_not_write(base: Path, tmp_path: Path) -> None:
    writer = User.objects.create_user(username="writer", consents=True)
    made = [pair(writer, state="approved", wish=f"湖上的早晨 {n}") for n in range(36)]
    Pair.objects.filter(pk__in=[row.pk for row in made[:24]]).update(split="held_out")
    run = tmp_path / "elsewhere"
    run.mkdir()
    knobs = {"rank": 4, "alpha": 8, "threads": 1, "learning_rate": 1e-3}
    folders.give(run, {"base": str(base), "served_as": "tiny"} | knobs, runs.groups_of(list(runs.trainable())))
    trainer.train(run)
    bring_in(run / "adapter", base)
    row = Adapter.objects.get()
    assert (row.state, row.origin, row.gate["passed"], row.base, row.rank) == ("ready", "import", True, "tiny", 4)
    assert row.name == f"guest-{row.digest[:12]}"
    assert (Path(row.folder) / "adapter_model.safetensors").is_file()
    with pytest.raises(CommandError, match="already, as guest-"):
        bring_in(run / "adapter", base)
    rating.withdraw(rating=made[0].ratings.get(), now=timezone.now())
    row.refresh_from_db()
    assert row.state == "retired"  # it may have been trained on what this house let out


def test_what_no_engine_would_serve_is_refused_at_once(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dora"
    folder.mkdir()
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "use_dora": True}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CommandError, match="no LoRA that can be served"):
        bring_in(folder, base)
    assert not Adapter.objects.exists()


def test_a_name_that_is_none_is_refused_before_anything_is_written(base: Path, tmp_path: Path) -> None:
    run = tiny_base.run(tmp_path / "run", base)
    trainer.train(run)
    with pytest.raises(CommandError, match="小写字母"):
        call_command("adapters", "register", str(run / "adapter"), "--label", "../../x", "--base", "tiny")
    assert not (tmp_path / "adapters").exists()


def test_what_writers_of_ours_said_is_looked_for_in_its_texts(base: Path, tmp_path: Path) -> None:
    writer = User.objects.create_user(username="writer", consents=True)
    seen = pair(writer, state="approved", wish="今晨在湖边独坐等一只不来的白鹭")
    run = tmp_path / "run"
    run.mkdir()
    importing._give(run, "tiny", base, None, [seen])
    assert folders.told(run / "gate.json")["canaries"] == ["今晨在湖边独坐等一只不来的白鹭"]
