"""A LoRA as PEFT keeps it, turned into the GGUF adapter that llama.cpp loads.

    python -m inference.gguf_adapter FOLDER OUT.gguf [--architecture qwen2]

llama.cpp applies what it finds and says nothing of what it does not, so whatever it would leave out is refused here.
The weights become float16: on a CPU a token costs the reading of every weight, and half of them are read sooner.
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.adapters import KINDS, WEIGHTS, AdapterError, digest_of, facts_of, header

# Of the models whose rows llama.cpp keeps in the order that PEFT saw. (Llama's are permuted.)
ARCHITECTURES = frozenset({"qwen2"})
PLACES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TENSOR = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight", re.ASCII)


def cached(folder: Path, name: str, architecture: str, cache: Path) -> Path:
    """The adapter as `name`.gguf, converted unless it has been. llama.cpp tells what it serves by the file's name."""
    out = cache / "adapters" / digest_of(folder) / f"{name}.gguf"
    if not out.exists():
        convert(folder, out, architecture)
    return out


def convert(folder: Path, out: Path, architecture: str) -> None:
    """Write the adapter in `folder` to `out`, whole or not at all. Raises AdapterError."""
    if architecture not in ARCHITECTURES:
        raise AdapterError("unusual", f"no adapters for {architecture[:40] or 'a model that does not say what it is'}")
    facts = facts_of(folder)
    # It divides by the rank; a rank-stabilised LoRA is divided by the root of it.
    alpha = facts.alpha * math.sqrt(facts.rank) if facts.rslora else facts.alpha
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _write(folder / WEIGHTS, unfinished, architecture, alpha)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _write(weights: Path, out: Path, architecture: str, alpha: float) -> None:
    import gguf  # noqa: PLC0415 - brings numpy along, which an engine without adapters does not need

    writer = gguf.GGUFWriter(out, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for name, tensor in _tensors(weights):
        writer.add_tensor(_place(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _place(name: str) -> str:
    """Where a tensor of PEFT's belongs, in llama.cpp's words."""
    found = TENSOR.fullmatch(name)
    if found is None or found[2] not in PLACES:
        raise AdapterError("unusual", name[:80])
    return f"blk.{int(found[1])}.{PLACES[found[2]]}.weight.lora_{found[3].lower()}"


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    """Each tensor as float16; numbers that it cannot hold are refused."""
    import numpy as np  # noqa: PLC0415 - see `_write`

    with path.open("rb") as file:
        for name, tensor in header(path).items():
            file.seek(tensor.start)
            weights = np.frombuffer(file.read(tensor.end - tensor.start), KINDS[tensor.kind])
            if tensor.kind == "BF16":  # the upper half of a float32, which numpy knows
                weights = (weights.astype("<u4") << 16).view("<f4")
            with np.errstate(over="ignore"):
                halves = weights.astype("<f2")
            if not np.isfinite(halves).all():
                raise AdapterError("not_finite", name[:80])
            yield name, halves.reshape(tensor.shape)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m inference.gguf_adapter", description="A PEFT LoRA as GGUF.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--architecture", default="qwen2", choices=sorted(ARCHITECTURES))
    options = parser.parse_args(arguments)
    try:
        convert(options.folder, options.out, options.architecture)
    except AdapterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
