"""A run ends before its last step where going on would spoil it, and keeps the best it had."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training import tiny_base
from training import trainer
from training.config import BadRun, read
from training.early import BEST


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base.write(tmp_path_factory.mktemp("base"))


def spoilt(folder: Path, base: Path, **config: Any) -> Path:
    """What is learnt contradicts what is held out, so every step makes that worse."""
    run = tiny_base.run(folder, base, epochs=10, measure_every=2, checkpoint_every=1, **config)
    lines = tiny_base.lines(run / "data.jsonl")
    for line in lines:
        if not line["held_out"]:
            for pair in line["pairs"]:
                pair["chosen"], pair["rejected"] = pair["rejected"], pair["chosen"]
    (run / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return run


def test_it_ends_when_what_is_held_out_gets_no_better(base: Path, tmp_path: Path) -> None:
    outcome = trainer.train(spoilt(tmp_path / "run", base, patience=2))
    assert (outcome["state"], outcome["why"], outcome["steps"]) == ("done", "no_better", 6)


def test_the_best_adapter_is_kept_and_not_the_last(base: Path, tmp_path: Path) -> None:
    run = spoilt(tmp_path / "run", base)
    outcome = trainer.train(run)
    told = [line["held_out"]["loss"] for line in tiny_base.lines(run / "progress.jsonl") if "held_out" in line]
    before, first, *_, last, kept = told
    assert outcome["adapter"] == "best"
    assert before < first < last
    assert kept == pytest.approx(first, abs=1e-5)


def test_it_ends_when_it_has_left_the_base_too_far(base: Path, tmp_path: Path) -> None:
    run = tiny_base.run(tmp_path / "run", base, epochs=10, kl_most=0.001)
    outcome = trainer.train(run)
    assert (outcome["why"], outcome["adapter"]) == ("far", "last")
    assert outcome["steps"] < outcome["planned"]
    assert outcome["held_out"]["loss"] > 0  # there was time to look at what came of it
    again = trainer.train(run)  # killed before anybody read the outcome
    assert (again["why"], again["steps"]) == ("far", outcome["steps"])


def test_a_resumed_run_remembers_what_was_best(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = spoilt(tmp_path / "whole", base, patience=3)
    trainer.train(whole)
    cut = spoilt(tmp_path / "cut", base, patience=3)
    with monkeypatch.context() as patch:  # told to stop right after the first look
        patch.setattr(trainer.Stop, "asked", lambda _stop, _ahead=0.0: (cut / BEST).exists())
        trainer.train(cut)
    outcome = trainer.train(cut)
    assert (outcome["why"], outcome["steps"]) == ("no_better", 8)
    one, other = (load_file(run / "adapter/adapter_model.safetensors") for run in (whole, cut))
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_patience_without_a_look_is_no_config(base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="patience"):
        read(tiny_base.run(tmp_path / "run", base, patience=2))
