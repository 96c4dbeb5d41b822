"""Losses and gradients beside TRL's, on one model and the same tokens. TRL only checks us: nothing else imports it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig
from trl.experimental.orpo import ORPOConfig, ORPOTrainer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from tests.training import tiny_base
from training import dpo, forward, kto, lora, orpo, sft
from training.batch import Completion, Group, Pair
from training.config import TARGETS, Config
from training.method import Case, Method

PROMPT = 21
LORA = LoraConfig(r=4, lora_alpha=8, target_modules=list(TARGETS), task_type="CAUSAL_LM")
PLAIN: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": "none",
    "disable_tqdm": True,
    "max_length": None,
    "per_device_train_batch_size": 2,
}
PREFERRED = {"prompt": "a", "chosen": "b", "rejected": "c"}


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """TRL tells its maker of every trainer that is built; not from here."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    disable_progress_bars()


def some(seed: int, count: int) -> tuple[int, ...]:
    dice = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(0, 256, (count,), generator=dice).tolist())


def groups() -> list[Group]:
    """Chosen texts of one length, since TRL takes the mean over the tokens of a batch; rejected ones of several."""
    return [
        Group(
            str(at),
            some(10 * at, PROMPT),
            (Completion(some(10 * at + 1, 9), label=True), Completion(some(10 * at + 2, 11 + at), label=False)),
            (Pair(0, 1),),
        )
        for at in range(2)
    ]


def padded(rows: list[tuple[int, ...]], completed: int = PROMPT) -> dict[str, torch.Tensor]:
    """As TRL's collators lay out a batch."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[258] * (width - len(row))] for row in rows])
    seen = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    completion = seen * (torch.arange(width) >= completed)
    return {"input_ids": ids, "attention_mask": seen, "completion_mask": completion}


def built(trainer: type, config: Any, record: dict[str, Any]) -> Any:
    """TRL's trainer, its adapter no longer empty, so that every gradient says something."""
    made = trainer(
        model=tiny_base.model(),
        args=config,
        train_dataset=Dataset.from_list([record] * 2),
        processing_class=tiny_base.tokenizer(),
        peft_config=LORA,
    )
    dice = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for each in lora.trained(made.model):
            each.copy_(torch.randn(each.shape, generator=dice) * 0.05)
    made.model.train()
    return made


def gradients(model: Any, loss: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    return torch.cat([each.grad.flatten() for each in lora.trained(model) if each.grad is not None])


def ours(model: Any, method: Method, config: Config, told: list[Group], score: forward.Score) -> torch.Tensor:
    """The mean, as the trainer takes it."""
    with torch.no_grad(), model.disable_adapter():
        frozen = [score(model, group).completions for group in told]
        strangers = list(kto.strangers(told).values())
        before = [score(model, each).completions[0] for each in strangers]
    drift = torch.zeros(())
    if method.drift:
        with torch.no_grad():
            drift = kto.drift([score(model, each).completions[0] for each in strangers], before)
    losses = [
        method.loss(Case(group, score(model, group, include_prompt=config.include_prompt), old, config, drift)).loss
        for group, old in zip(told, frozen, strict=True)
    ]
    total: torch.Tensor = sum(losses, torch.zeros(())) / sum(map(method.weight, told))
    return total


def compare(model: Any, theirs: Callable[[], torch.Tensor], mine: Callable[[forward.Score], torch.Tensor]) -> None:
    wanted = theirs()
    slopes = gradients(model, wanted)
    for score in (forward.grouped, forward.apart):
        found = mine(score)
        assert float(found.detach()) == pytest.approx(float(wanted.detach()), abs=1e-5, rel=1e-5)
        assert float((gradients(model, found) - slopes).norm() / slopes.norm()) < 1e-5


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"loss_type": ["sigmoid"]}, {"nll": 0.0}),
        ({"loss_type": ["robust"], "label_smoothing": 0.2}, {"loss": "robust", "smoothing": 0.2, "nll": 0.0}),
        ({"loss_type": ["ipo"]}, {"loss": "ipo", "nll": 0.0}),
        ({"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.3]}, {"nll": 0.3}),
    ],
    ids=["sigmoid", "robust", "ipo", "with likelihood"],
)
def test_dpo(theirs: dict[str, Any], told: dict[str, Any], tmp_path: Path) -> None:
    made = built(DPOTrainer, DPOConfig(output_dir=str(tmp_path), beta=0.1, **PLAIN, **theirs), PREFERRED)
    rows = [each.prompt + each.completions[side].ids for side in (0, 1) for each in groups()]
    config = Config(base="", served_as="", beta=0.1, **told)
    compare(
        made.model,
        lambda: made.compute_loss(made.model, padded(rows)),
        lambda score: ours(made.model, dpo.METHOD, config, groups(), score),
    )


def test_orpo(tmp_path: Path) -> None:
    made = built(ORPOTrainer, ORPOConfig(output_dir=str(tmp_path), beta=0.1, **PLAIN), PREFERRED)
    asked: dict[str, torch.Tensor] = {}
    for side, name in enumerate(("chosen", "rejected")):
        rows = padded([each.prompt + each.completions[side].ids for each in groups()])
        labels = rows["input_ids"].masked_fill(rows["completion_mask"] == 0, -100)
        asked |= {f"{name}_input_ids": rows["input_ids"], f"{name}_attention_mask": rows["attention_mask"]}
        asked[f"{name}_labels"] = labels
    config = Config(base="", served_as="", beta=0.1, include_prompt=True)
    compare(
        made.model,
        lambda: made.compute_loss(made.model, asked),
        lambda score: ours(made.model, orpo.METHOD, config, groups(), score),
    )


def judged(at: int, texts: int) -> Iterator[Completion]:
    """The liked one first, as runs have them."""
    for place in range(texts):
        yield Completion(some(10 * at + place + 1, 8 + at), label=at != 1 if texts == 1 else not place)


def test_strangers_are_liked_as_often_as_all_texts_are() -> None:
    """As TRL's are, which turns a batch by one: were they the liked ones, the drift would be too high."""
    told = [Group(str(at), some(at, 3), tuple(judged(at, 2))) for at in range(2, 202)]
    labels = [each.completions[0].label for each in kto.strangers(told).values()]
    assert 0.4 < labels.count(True) / len(labels) < 0.6
    assert labels == [each.completions[0].label for each in kto.strangers(told).values()]


@pytest.mark.parametrize("texts", [1, 3])
def test_kto(tmp_path: Path, texts: int) -> None:
    weights: dict[str, Any] = {"desirable_weight": 1.3, "undesirable_weight": 0.8}
    config = KTOConfig(output_dir=str(tmp_path), beta=0.1, train_sampling_strategy="sequential", **PLAIN, **weights)
    made = built(KTOTrainer, config, {"prompt": "a", "completion": "b", "label": True})
    told = [Group(str(at), some(10 * at, PROMPT), tuple(judged(at, texts))) for at in range(3)]
    strangers = kto.strangers(told).values()
    texts_of = [(group, each) for group in told for each in group.completions]
    asked: dict[str, Any] = padded([group.prompt + each.ids for group, each in texts_of])
    other = padded([each.prompt + each.completions[0].ids for each in strangers])
    asked |= {f"KL_{name}": value for name, value in other.items()}
    asked["label"] = torch.tensor([each.label for _, each in texts_of])
    knobs = Config(base="", served_as="", beta=0.1, desirable=1.3, undesirable=0.8)
    compare(
        made.model,
        lambda: made.compute_loss(made.model, asked),
        lambda score: ours(made.model, kto.METHOD, knobs, told, score),
    )


def test_sft(tmp_path: Path) -> None:
    made = built(SFTTrainer, SFTConfig(output_dir=str(tmp_path), **PLAIN), {"prompt": "a", "completion": "b"})
    rows = padded([each.prompt + each.completions[0].ids for each in groups()])
    labels = rows["input_ids"].masked_fill(rows.pop("completion_mask") == 0, -100)
    good = [Group(each.id, each.prompt, each.completions[:1]) for each in groups()]
    compare(
        made.model,
        lambda: made.compute_loss(made.model, rows | {"labels": labels}),
        lambda score: ours(made.model, sft.METHOD, Config(base="", served_as=""), good, score),
    )
