"""One pass a prompt says what one pass a text says, on every architecture that is allowed; others are refused."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma3TextConfig,
    LlamaConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3_5TextConfig,
    Qwen3Config,
)

from tests.training import tiny_base
from training import dpo, forward, lora, probe
from training.batch import Completion, Group, Pair
from training.config import Config
from training.method import Case

WIDE: dict[str, Any] = {"head_dim": 16}
CONFIG = Config(base="", served_as="", rank=4, alpha=8)
SHAPE = tiny_base.SHAPE | {"num_hidden_layers": 4}
LAYERS = ["sliding_attention"] * 3 + ["full_attention"]
ALLOWED = {
    "qwen2": Qwen2Config(**SHAPE),
    "qwen3": Qwen3Config(**SHAPE, **WIDE),
    "llama": LlamaConfig(**SHAPE),
    "gemma3": Gemma3TextConfig(**SHAPE, **WIDE, sliding_window=256, layer_types=LAYERS),
}


def group(prompt: int = 40, lengths: tuple[int, ...] = (12, 9, 15, 1)) -> Group:
    dice = torch.Generator().manual_seed(1)

    def some(count: int) -> tuple[int, ...]:
        return tuple(torch.randint(0, 256, (count,), generator=dice).tolist())

    pairs = tuple(Pair(one, other, 0.5, 0.7) for one in range(4) for other in range(one + 1, 4))
    return Group("g", some(prompt), tuple(Completion(some(length)) for length in lengths), pairs)


def model(config: PretrainedConfig, targets: tuple[str, ...] = CONFIG.targets) -> Any:
    """Its adapter does something from the start, or half of the gradients would be zero."""
    made = lora.adapted(tiny_base.model(config), Config(base="", served_as="", rank=4, alpha=8, targets=targets))
    dice = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for each in lora.trained(made):
            each.copy_(torch.randn(each.shape, generator=dice) * 0.05)
    return made


def gradients(made: Any, score: forward.Score) -> torch.Tensor:
    made.zero_grad()
    scored = score(made, group())
    frozen = [torch.full((len(each),), -5.0) for each in scored.completions]
    dpo.loss(Case(group(), scored, frozen, CONFIG)).loss.backward()  # type: ignore[no-untyped-call]
    return torch.cat([each.grad.flatten() for each in lora.trained(made) if each.grad is not None])


@pytest.mark.parametrize("config", ALLOWED.values(), ids=ALLOWED.keys())
def test_gradients_of_one_pass_are_those_of_one_pass_each(config: PretrainedConfig) -> None:
    made = model(config)
    once, each = gradients(made, forward.grouped), gradients(made, forward.apart)
    assert float((once - each).norm() / each.norm()) < 1e-5
    assert probe.judge(made, [group()]).why == "agrees"


@pytest.mark.parametrize("score", [forward.grouped, forward.apart])
def test_a_pass_says_what_the_whole_model_says(score: forward.Score) -> None:
    made, one = model(ALLOWED["qwen2"]), group()
    scored = score(made, one, include_prompt=True)
    for text, said in zip(one.completions, scored.completions, strict=True):
        ids = torch.tensor([[*one.prompt, *text.ids]])
        plain = torch.log_softmax(made(input_ids=ids).logits[0, :-1], dim=-1).gather(1, ids[0, 1:, None]).squeeze(1)
        assert scored.prompt is not None
        assert torch.allclose(torch.cat([scored.prompt, said]), plain, atol=1e-4)


def test_a_window_shorter_than_the_text_is_refused_and_rightly() -> None:
    made = model(Gemma3TextConfig(**SHAPE, **WIDE, sliding_window=16, layer_types=LAYERS))
    assert probe.judge(made, [group()]) == probe.Verdict(grouped=False, why="sliding_window")
    assert probe.measure(made, group()) > 1e-3
    short = group(prompt=6, lengths=(4, 5, 6, 1))
    assert probe.judge(made, [short]).grouped


def test_a_recurrent_state_is_refused_and_rightly() -> None:
    layers = ["linear_attention"] * 3 + ["full_attention"]
    wide: dict[str, Any] = {"linear_num_key_heads": 2, "linear_num_value_heads": 4} | dict.fromkeys(
        ("linear_key_head_dim", "linear_value_head_dim"), 16
    )
    made = model(Qwen3_5TextConfig(**SHAPE, **WIDE, **wide, layer_types=layers), ("up_proj", "down_proj"))
    assert probe.judge(made, [group()]) == probe.Verdict(grouped=False, why="other_architecture")
    assert probe.measure(made, group()) > 1e-4


def test_what_is_measured_counts_even_for_an_allowed_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "measure", lambda model, group: 1e-3)
    assert probe.judge(model(ALLOWED["qwen2"]), [group()]) == probe.Verdict(grouped=False, why="disagrees", error=1e-3)


def test_siblings_do_not_see_each_other() -> None:
    seen = forward.tree_mask(2, [2, 1], torch.float32) == 0
    assert seen.int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    assert forward.positions(2, [2, 1]).tolist() == [0, 1, 2, 3, 2]
