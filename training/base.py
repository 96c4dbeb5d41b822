"""The base model that adapters are made for: a GGUF file as a folder of safetensors.

    python -m training.base MODEL.gguf [OUT] [--dtype float32|bfloat16]

prints the folder: weights, config, generation config, tokenizer and chat template, as transformers, vLLM and peft load
them. A 4-bit file stays 4-bit lossy; an adapter trained on these weights is served on these weights.

The folder appears whole or not at all, and a second call finds it there. One piece of one tensor is in memory at a
time, so a small machine can do it. Qwen2 keeps the order of its rows in a GGUF; architectures that do not are refused.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import gguf
import numpy as np
from numpy.typing import NDArray

from training import gguf_tokens, tensors
from training.tensors import Dtype

RECIPE = 1  # what these modules make of a file; raise it when that changes
MANIFEST = "manifest.json"
TIED_WITHIN = 0.2  # relative; two roundings of one matrix lie this close, two matrices of their own do not
PROBE = 64  # rows that tell
OUTSIDE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
INSIDE = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
Code = Literal["no_file", "not_gguf", "other_architecture", "odd_tensor"]


class BaseError(Exception):
    """No base can be made of that file."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def base_of(source: Path, folder: Path | None = None, dtype: Dtype = "float32") -> Path:
    """The folder with the base that `source` holds, made if it is not there yet."""
    source = source.expanduser().resolve()
    if not source.is_file():
        raise BaseError("no_file", str(source))
    folder = (folder or default_folder(source, dtype)).expanduser().resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if not _is_made(folder, source, dtype):
            _make(source, folder, dtype)
    return folder


def default_folder(source: Path, dtype: Dtype) -> Path:
    """Beside the model files."""
    cache = Path(os.environ.get("MODEL_CACHE", "").strip() or "~/.cache/bailu/models").expanduser()
    return cache / "base" / f"{source.stem}-{dtype}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two processes do not make the same folder at once; the second waits and finds it there."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_made(folder: Path, source: Path, dtype: Dtype) -> bool:
    """Whether the folder is whole, of this recipe, and of these bytes; they are read only if the file's date moved."""
    try:
        noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in noted["files"].items())
        if not whole or (noted["recipe"], noted["dtype"]) != (RECIPE, dtype):
            return False
        return bool(noted["marks"] == _marks(source) or noted["source_sha256"] == _sha256_of(source))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _marks(source: Path) -> list[int]:
    now = source.stat()
    return [now.st_size, now.st_mtime_ns]


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make(source: Path, folder: Path, dtype: Dtype) -> None:
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)  # of a run that was killed; we hold the lock
    making.mkdir()
    _tell(f"{source.name}: reading it")
    try:
        _fill(making, source, dtype)
    except KeyError as error:
        raise BaseError("not_gguf", f"{source} lacks {error}") from error
    else:
        shutil.rmtree(folder, ignore_errors=True)
        making.replace(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _tell(f"{source.name}: the base is in {folder}")


def _fill(making: Path, source: Path, dtype: Dtype) -> None:
    reader = _opened(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    config = _config(fields, dtype)
    found = {tensor.name: tensor for tensor in reader.tensors}
    chosen, tied = _chosen(found)
    config["tie_word_embeddings"] = tied
    config["vocab_size"] = int(found["token_embd.weight"].shape[-1])
    tensors.write(making / "model.safetensors", chosen, dtype, _tell)
    gguf_tokens.write(fields, making, config["max_position_embeddings"])
    _write_json(making / "config.json", config)
    ends = [fields["tokenizer.ggml.eos_token_id"], fields["tokenizer.ggml.padding_token_id"]]
    _write_json(making / "generation_config.json", {"eos_token_id": ends, "pad_token_id": ends[1]})
    _write_json(making / MANIFEST, _manifest(making, source, dtype, tied=tied))


def _opened(source: Path) -> gguf.GGUFReader:
    try:
        reader = gguf.GGUFReader(source)
        architecture = reader.fields["general.architecture"].contents()
        split = reader.fields["tokenizer.ggml.pre"].contents()
    except (ValueError, KeyError, IndexError) as error:
        raise BaseError("not_gguf", f"{source}: {type(error).__name__}") from error
    if architecture != "qwen2" or split not in gguf_tokens.SPLITS:
        raise BaseError("other_architecture", f"{architecture} with the tokenizer {split}")
    return reader


def _config(fields: dict[str, Any], dtype: Dtype) -> dict[str, Any]:
    theta = float(fields["qwen2.rope.freq_base"])
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "dtype": dtype,
        "hidden_act": "silu",
        "hidden_size": fields["qwen2.embedding_length"],
        "intermediate_size": fields["qwen2.feed_forward_length"],
        "num_hidden_layers": fields["qwen2.block_count"],
        "num_attention_heads": fields["qwen2.attention.head_count"],
        "num_key_value_heads": fields["qwen2.attention.head_count_kv"],
        "max_position_embeddings": fields["qwen2.context_length"],
        "rms_norm_eps": float(f"{fields['qwen2.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "initializer_range": 0.02,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "bos_token_id": fields["tokenizer.ggml.padding_token_id"],
    }


def _chosen(found: dict[str, gguf.ReaderTensor]) -> tuple[dict[str, gguf.ReaderTensor], bool]:
    """The tensors by the names that transformers gives them, and whether one matrix serves both ends of the model.

    A GGUF may hold that matrix twice, rounded differently; the one at the output is the finer, and is taken for both.
    """
    chosen = {_name(name): tensor for name, tensor in found.items() if name != "output.weight"}
    output = found.get("output.weight")
    if output is None:
        return chosen, True
    if _alike(found["token_embd.weight"], output):
        return chosen | {OUTSIDE["token_embd.weight"]: output}, True
    return chosen | {"lm_head.weight": output}, False


def _name(name: str) -> str:
    if name in OUTSIDE:
        return OUTSIDE[name]
    try:
        _, layer, part, kind = name.split(".")
        return f"model.layers.{int(layer)}.{INSIDE[part]}.{kind}"
    except (ValueError, KeyError) as error:
        raise BaseError("odd_tensor", name) from error


def _alike(one: gguf.ReaderTensor, other: gguf.ReaderTensor) -> bool:
    if list(one.shape) != list(other.shape):
        return False
    first, second = _some_rows(one), _some_rows(other)
    return bool(np.linalg.norm(first - second) < TIED_WITHIN * np.linalg.norm(second))


def _some_rows(tensor: gguf.ReaderTensor) -> NDArray[np.float32]:
    step = max(1, len(tensor.data) // PROBE)
    return gguf.dequantize(tensor.data[::step], tensor.tensor_type)


def _manifest(making: Path, source: Path, dtype: Dtype, *, tied: bool) -> dict[str, Any]:
    return {
        "recipe": RECIPE,
        "dtype": dtype,
        "source": source.name,
        "source_sha256": _sha256_of(source),
        "marks": _marks(source),
        "tied": tied,
        "versions": {name: importlib.metadata.version(name) for name in ("gguf", "numpy", "tokenizers")},
        "files": {path.name: path.stat().st_size for path in sorted(making.iterdir())},
    }


def _write_json(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _tell(words: str) -> None:
    sys.stderr.write(f"base: {words}\n")
    sys.stderr.flush()


def main(argv: list[str] | None = None) -> int:
    """Make the base, say where it is; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.base", description="A GGUF file as safetensors.")
    parser.add_argument("source", type=Path, help="a GGUF file")
    parser.add_argument("folder", type=Path, nargs="?", help="default: base/ beside the model files")
    parser.add_argument("--dtype", choices=get_args(Dtype), default="float32", help="bfloat16 halves it, for GPUs")
    options = parser.parse_args(argv)
    try:
        made = base_of(options.source, options.folder, options.dtype)
    except BaseError as error:
        _tell(str(error))
        return 1
    sys.stdout.write(f"{made}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
