"""The guard before an adapter: plain LoRA passes, all else is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from inference.adapters import CONFIG, WEIGHTS, AdapterError, check, digest_of

RANK = 4
PLACE = "base_model.model.model.layers.0.self_attn.q_proj"
A, B = f"{PLACE}.lora_A.weight", f"{PLACE}.lora_B.weight"
PLAIN: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "some-base",
    "r": RANK,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "bias": "none",
    "target_modules": ["q_proj"],
}
Weights = dict[str, NDArray[Any]]


def tensors() -> Weights:
    dice = np.random.default_rng(1)
    return {A: dice.standard_normal((RANK, 8), np.float32), B: dice.standard_normal((8, RANK), np.float32)}


def laid(folder: Path, config: dict[str, Any] | None = None, weights: Weights | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(PLAIN | (config or {})), encoding="utf-8")
    save_file(tensors() if weights is None else weights, folder / WEIGHTS)
    return folder


def refused(folder: Path, **asked: Any) -> str:
    with pytest.raises(AdapterError) as caught:
        check(folder, **asked)
    return caught.value.code


def test_a_plain_lora_passes_and_its_facts_are_told(tmp_path: Path) -> None:
    facts = check(laid(tmp_path / "dawn"))
    assert (facts.rank, facts.alpha, facts.base, facts.targets) == (RANK, 8.0, "some-base", frozenset({"q_proj"}))
    assert facts.modules == {"model.layers.0.self_attn.q_proj"}
    assert facts.digest == digest_of(tmp_path / "dawn")


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_every_kind_of_number_that_engines_read_passes(tmp_path: Path, kind: type) -> None:
    check(laid(tmp_path / "dawn", weights={name: value.astype(kind) for name, value in tensors().items()}))


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"r": RANK + 1}, "broken_weights"),
        ({"r": 0}, "broken_config"),
        ({"lora_alpha": None}, "broken_config"),
        ({"target_modules": "all-linear"}, "broken_config"),
        ({"target_modules": ["q_proj", "v_proj"]}, "broken_weights"),
        ({"peft_type": "IA3"}, "not_lora"),
        ({"use_dora": True}, "dora"),
        ({"use_rslora": True}, "rslora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 8}}, "unusual"),
        ({"bias": "all"}, "unusual"),
    ],
)
def test_what_engines_would_half_understand_is_refused(tmp_path: Path, config: dict[str, Any], code: str) -> None:
    assert refused(laid(tmp_path / "dawn", config)) == code


def test_the_keys_that_peft_leaves_empty_do_no_harm(tmp_path: Path) -> None:
    check(laid(tmp_path / "dawn", {"rank_pattern": {}, "modules_to_save": None, "use_dora": False, "eva_config": None}))


def test_the_rank_has_a_limit_and_some_engines_know_rslora(tmp_path: Path) -> None:
    folder = laid(tmp_path / "dawn", {"use_rslora": True})
    assert check(folder, RANK, rslora=True).rslora
    assert refused(folder, rank_limit=RANK - 1, rslora=True) == "rank_too_high"


def spoilt(name: str, value: float) -> Weights:
    weights = tensors()
    weights[name][1, 1] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        (spoilt(A, np.nan), "not_finite"),
        (spoilt(B, np.inf), "not_finite"),
        (tensors() | {B: np.zeros((8, RANK), np.float32)}, "no_effect"),
        ({A: tensors()[A]}, "broken_weights"),
        (tensors() | {f"{PLACE}.lora_magnitude_vector.weight": np.ones(8, np.float32)}, "broken_weights"),
        (tensors() | {A: tensors()[A].astype(np.float64)}, "broken_weights"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(tmp_path: Path, weights: Weights, code: str) -> None:
    assert refused(laid(tmp_path / "dawn", weights=weights)) == code


def as_bfloat16(path: Path, *, last: int) -> None:
    """The same shapes as bfloat16, all one but the last."""
    table, at = {}, 0
    for name, value in sorted(tensors().items()):
        table[name] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": [at, at + value.size * 2]}
        at += value.size * 2
    head = json.dumps(table).encode()
    data = np.full(at // 2, 0x3F80, "<u2")
    data[-1] = last
    path.write_bytes(len(head).to_bytes(8, "little") + head + data.tobytes())


def test_bfloat16_is_read_too(tmp_path: Path) -> None:
    folder = laid(tmp_path / "dawn")
    as_bfloat16(folder / WEIGHTS, last=0x3F80)
    check(folder)
    as_bfloat16(folder / WEIGHTS, last=0x7FC0)
    assert refused(folder) == "not_finite"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / WEIGHTS).unlink(), "missing_file"),
        (lambda folder: (folder / CONFIG).unlink(), "missing_file"),
        (lambda folder: (folder / CONFIG).write_text("{"), "broken_config"),
        (lambda folder: (folder / CONFIG).write_text("[]"), "not_lora"),
        (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1]), "broken_weights"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"\xff" * 64), "broken_weights"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "broken_weights"),
    ],
)
def test_a_folder_that_is_cut_off_is_refused(tmp_path: Path, spoil: Callable[[Path], Any], code: str) -> None:
    folder = laid(tmp_path / "dawn")
    spoil(folder)
    assert refused(folder) == code


def test_a_digest_tells_every_name_and_every_byte(tmp_path: Path) -> None:
    first, second = laid(tmp_path / "one"), laid(tmp_path / "two")
    assert digest_of(first) == digest_of(second)
    (second / "more").mkdir()
    assert digest_of(first) == digest_of(second)  # an empty folder is no file
    (second / "more" / "x").write_text("")
    assert digest_of(first) != digest_of(second)
    (first / "x").write_text("")
    assert digest_of(first) != digest_of(second)
