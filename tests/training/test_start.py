"""A run that begins at an adapter: what leaves is the sum of both, and serves alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from inference.adapters import check
from tests.training import tiny_base
from training import lora, trainer
from training.config import read


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base.write(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def start(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What learnt to write about rain, of a scale that is not 1."""
    folder = tiny_base.run(tmp_path_factory.mktemp("start") / "run", base, method="sft", rank=4, alpha=12)
    trainer.train(folder)
    return folder / "adapter"


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return torch.as_tensor(model(input_ids=torch.tensor([[72, 101, 108, 108, 111]])).logits)


def test_the_sum_says_alone_what_the_fresh_one_says_on_the_merged_base(base: Path, start: Path, tmp_path: Path) -> None:
    config = read(tiny_base.run(tmp_path / "run", base, start=str(start)))
    model, _ = lora.load(config, lora.CPU)
    with torch.no_grad():
        for each in lora.trained(model):
            each.copy_(torch.randn(each.shape, generator=torch.Generator().manual_seed(3)) * 0.05)
    lora.write(model, config, tmp_path / "adapter")
    facts = check(tmp_path / "adapter")
    assert (facts.rank, facts.alpha) == (12, 12)
    plain = AutoModelForCausalLM.from_pretrained(base)
    before = logits(plain)
    alone = logits(PeftModel.from_pretrained(plain, str(tmp_path / "adapter")))
    assert torch.allclose(alone, logits(model), atol=1e-5)
    assert not torch.allclose(alone, before, atol=1e-2)


def test_a_run_learns_from_where_it_begins(base: Path, start: Path, tmp_path: Path) -> None:
    run = tiny_base.run(tmp_path / "run", base, start=str(start), nll=0.0, epochs=4)
    outcome = trainer.train(run)
    first = tiny_base.lines(run / "progress.jsonl")[0]["held_out"]
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)  # nothing has moved from the start
    assert first["kl"] == pytest.approx(0, abs=1e-9)
    bare = tiny_base.run(tmp_path / "bare", base, nll=0.0, max_steps=1)
    trainer.train(bare)
    assert first["chosen_logp"] > tiny_base.lines(bare / "progress.jsonl")[0]["held_out"]["chosen_logp"] + 0.2
    assert outcome["held_out"]["accuracy"] > 0.95
    assert check(run / "adapter").rank == 12
    told = [json.loads((each / "manifest.json").read_text(encoding="utf-8"))["digests"] for each in (run, bare)]
    assert told[0]["base"] == told[1]["base"]
    assert told[0]["start"] == check(start).digest


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"rank": 61}, "more than 64"),
        ({"targets": ["q_proj"]}, "targets"),
        ({"served_as": "other"}, "another base"),
        ({"start": "/nowhere"}, "missing_file"),
        ({"quantised": True}, "start"),
    ],
)
def test_a_start_that_does_not_suit_is_refused(
    base: Path, start: Path, tmp_path: Path, told: dict[str, Any], why: str
) -> None:
    run = tiny_base.run(tmp_path / "run", base, **{"start": str(start)} | told)
    assert trainer.main([str(run)]) == 2
    assert why in json.loads((run / "outcome.json").read_text(encoding="utf-8"))["detail"]
