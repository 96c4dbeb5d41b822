"""What is made of a GGUF file, tried on one of a single layer."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training import tiny_gguf
from training.base import MANIFEST, BaseError, base_of, default_folder, main
from training.tensors import bfloat16

ODD = {"blk.0.odd.weight": np.ones(4, np.float32)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny_gguf.write(tmp_path / "tiny.gguf", tiny_gguf.weights())


def test_every_weight_has_its_place_and_the_finer_matrix_serves_both_ends(source: Path, tmp_path: Path) -> None:
    made, wrote = load_file(base_of(source, tmp_path / "base") / "model.safetensors"), tiny_gguf.weights()
    assert len(made) == len(wrote) - 1
    assert np.array_equal(made["model.embed_tokens.weight"].numpy(), wrote["output.weight"])
    assert np.array_equal(made["model.layers.0.self_attn.q_proj.bias"].numpy(), wrote["blk.0.attn_q.bias"])
    assert np.array_equal(made["model.layers.0.mlp.down_proj.weight"].numpy(), wrote["blk.0.ffn_down.weight"])
    assert "lm_head.weight" not in made


def test_two_matrices_that_differ_stay_two(tmp_path: Path) -> None:
    wrote = tiny_gguf.weights(tied=False)
    folder = base_of(tiny_gguf.write(tmp_path / "two.gguf", wrote), tmp_path / "base")
    made = load_file(folder / "model.safetensors")
    assert np.array_equal(made["lm_head.weight"].numpy(), wrote["output.weight"])
    assert np.array_equal(made["model.embed_tokens.weight"].numpy(), wrote["token_embd.weight"])
    assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"] is False


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_transformers_loads_all_of_it(source: Path, tmp_path: Path, dtype: str) -> None:
    folder = base_of(source, tmp_path / "base", dtype)  # type: ignore[arg-type]
    loaded: Any = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    model, told = loaded
    assert not any(told[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.dtype == getattr(torch, dtype)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.config.rope_parameters["rope_theta"] == 10_000.0
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.encode("é<|end|>") == [2, tiny_gguf.WORDS - 2]
    assert tokenizer.encode("<|stop|>") == [tiny_gguf.WORDS - 1] == [tokenizer.eos_token_id]
    assert tokenizer.apply_chat_template([{"role": "user", "content": "é"}], tokenize=False) == "é"


def test_bfloat16_is_rounded_as_torch_rounds() -> None:
    numbers = np.random.default_rng(3).standard_normal(10_000, dtype=np.float32) * 7
    ours = torch.from_numpy(bfloat16(numbers).view(np.int16)).view(torch.bfloat16)
    assert torch.equal(ours, torch.from_numpy(numbers).to(torch.bfloat16))


def test_a_second_call_makes_nothing(source: Path, tmp_path: Path) -> None:
    folder = base_of(source, tmp_path / "base")
    before = (folder / "model.safetensors").stat()
    os.utime(source, (1, 1))  # another date, the same bytes
    base_of(source, folder)
    assert (folder / "model.safetensors").stat() == before


def test_other_bytes_another_dtype_or_a_spoilt_folder_are_made_anew(source: Path, tmp_path: Path) -> None:
    folder = base_of(source, tmp_path / "base")
    first = (folder / "model.safetensors").read_bytes()
    tiny_gguf.write(source, tiny_gguf.weights(seed=2))
    second = (base_of(source, folder) / "model.safetensors").read_bytes()
    assert len(first) == len(second)
    assert first != second
    (folder / "model.safetensors").write_bytes(second[:-1])
    assert (base_of(source, folder) / "model.safetensors").read_bytes() == second
    (folder / MANIFEST).write_text("[]")
    assert json.loads((base_of(source, folder, "bfloat16") / MANIFEST).read_text())["dtype"] == "bfloat16"


def test_what_a_killed_run_left_does_no_harm(source: Path, tmp_path: Path) -> None:
    left = tmp_path / ".base.making"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    base_of(source, tmp_path / "base")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "base.lock", "tiny.gguf"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.unlink(), "no_file"),
        (lambda path: path.write_bytes(b"GGUF and nothing more"), "not_gguf"),
        (lambda path: tiny_gguf.write(path, tiny_gguf.weights(), "llama"), "other_architecture"),
        (
            lambda path: tiny_gguf.write(path, tiny_gguf.weights() | {"blk.0.odd.weight": np.ones(4, "f4")}),
            "odd_tensor",
        ),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_and_leaves_nothing(
    source: Path, tmp_path: Path, spoil: object, code: str
) -> None:
    spoil(source)  # type: ignore[operator]
    with pytest.raises(BaseError) as caught:
        base_of(source, tmp_path / "base")
    assert caught.value.code == code
    assert not (tmp_path / "base").exists()
    assert main([str(source), str(tmp_path / "base")]) == 1


def test_the_folder_says_whose_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    assert default_folder(Path("/else/m.gguf"), "float32") == tmp_path / "base" / "m-float32"
