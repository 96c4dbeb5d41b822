"""Adapters as llama.cpp loads them: what is converted, bit by bit, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from inference.adapters import AdapterError
from inference.gguf_adapter import PLACES, cached, convert
from inference.models.gguf import architecture
from tests.processes import ROOT

RANK, WIDE = 2, 8
DTYPES = {"F32": "<f4", "F16": "<f2"}
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a PEFT folder by hand, so that the reader is not tested against itself."""

    def folder(
        name: str = "one", modules: tuple[str, ...] = tuple(PLACES), dtype: str = "F32", scale: float = 1.0, **said: Any
    ) -> Path:
        own = tmp_path / name
        own.mkdir()
        targets = sorted({module.rpartition(".")[2] for module in modules})
        config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": targets, "bias": "none"} | said
        (own / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        (own / "adapter_model.safetensors").write_bytes(safetensors_of(modules, dtype, scale))
        return own

    return folder


def weights(number: int, half: str) -> np.ndarray[Any, Any]:
    """Numbers that every one of the three types holds exactly."""
    shape = (RANK, WIDE) if half == "A" else (WIDE, RANK)
    return (np.arange(RANK * WIDE, dtype=np.float32).reshape(shape) + number) / 8


def safetensors_of(modules: tuple[str, ...], dtype: str, scale: float) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for number, module in enumerate(modules):
        for half in "AB":
            array = weights(number, half) * np.float32(scale)
            raw = (
                array.astype(DTYPES[dtype]) if dtype != "BF16" else (array.view("<u4") >> 16).astype("<u2")
            ).tobytes()
            name = f"base_model.model.model.layers.3.{module}.lora_{half}.weight"
            about = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(data), len(data) + len(raw)]}
            header[name] = about
            data += raw
    said = json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + data


def value(reader: gguf.GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    assert field
    return field.contents()


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_every_projection_is_found_with_its_weights(make: Make, tmp_path: Path, dtype: str) -> None:
    out = tmp_path / "out" / "one.gguf"
    convert(make(dtype=dtype), out, "qwen2")
    reader = gguf.GGUFReader(out)
    assert value(reader, "general.architecture") == "qwen2"
    assert value(reader, "general.type") == "adapter"
    assert value(reader, "adapter.type") == "lora"
    assert value(reader, "adapter.lora.alpha") == 4
    found = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(found) == 2 * len(PLACES)
    for number, place in enumerate(PLACES.values()):
        for half in "AB":
            assert (found[f"blk.3.{place}.weight.lora_{half.lower()}"] == weights(number, half)).all()
    assert [path.name for path in out.parent.iterdir()] == ["one.gguf"]


def test_the_names_are_those_that_gguf_itself_knows() -> None:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, 4)
    for module, place in PLACES.items():
        assert names.get_name(f"model.layers.3.{module}") == f"blk.3.{place}"


def test_a_rank_stabilised_one_is_as_strong_as_it_was(make: Make, tmp_path: Path) -> None:
    out = tmp_path / "one.gguf"
    convert(make(use_rslora=True), out, "qwen2")
    assert value(gguf.GGUFReader(out), "adapter.lora.alpha") / RANK == pytest.approx(4 / RANK**0.5)


def test_it_is_converted_once_and_named_by_its_name(make: Make, tmp_path: Path) -> None:
    folder = make()
    first = cached(folder, "dawn-1", "qwen2", tmp_path)
    made = first.stat().st_mtime_ns
    assert cached(folder, "dawn-1", "qwen2", tmp_path) == first
    assert (first.stem, first.stat().st_mtime_ns) == ("dawn-1", made)
    assert cached(make("two", scale=2.0), "dawn-1", "qwen2", tmp_path) != first


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"use_dora": True}, "dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 4}}, "unusual"),
        ({"bias": "all"}, "unusual"),
        ({"r": 3}, "broken_weights"),
        ({"peft_type": "IA3"}, "not_lora"),
    ],
)
def test_what_would_be_applied_by_half_is_refused(make: Make, tmp_path: Path, said: dict[str, Any], code: str) -> None:
    with pytest.raises(AdapterError) as refused:
        convert(make(**said), tmp_path / "one.gguf", "qwen2")
    assert refused.value.code == code
    assert not (tmp_path / "one.gguf").exists()


def test_a_layer_that_is_not_known_is_refused_and_nothing_is_left(make: Make, tmp_path: Path) -> None:
    out = tmp_path / "out" / "one.gguf"
    with pytest.raises(AdapterError, match="unusual"):
        convert(make(modules=("self_attn.q_proj", "mlp.router_proj")), out, "qwen2")
    assert not list(out.parent.iterdir())


def test_numbers_beyond_float16_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="not_finite"):
        convert(make(scale=1e6), tmp_path / "one.gguf", "qwen2")


def test_a_model_whose_rows_are_permuted_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no adapters for llama"):
        convert(make(), tmp_path / "one.gguf", "llama")


def test_a_cut_file_is_refused(make: Make, tmp_path: Path) -> None:
    folder = make()
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AdapterError, match="broken_weights"):
        convert(folder, tmp_path / "one.gguf", "qwen2")


def test_the_architecture_is_read_from_the_front_of_a_file(make: Make, tmp_path: Path) -> None:
    out = tmp_path / "one.gguf"
    convert(make(), out, "qwen2")
    assert architecture(out) == "qwen2"
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF" + bytes(60))
    assert architecture(other) == ""


def test_from_a_terminal(make: Make, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inference.gguf_adapter", str(make()), str(tmp_path / "one.gguf")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    command[-2] = str(tmp_path)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "missing_file: adapter_config.json\n")
