"""A model in four bits (GPTQ's or AWQ's format) as plain weights again: what its engines will compute with.

No kernel of any library is asked, so that a model can be read here whatever is installed.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

PACKED = 8  # numbers of four bits in one of 32
INTERLEAVED = (0, 2, 4, 6, 1, 3, 5, 7)  # AWQ's order within it, lowest bits first
PARTS = (".qweight", ".qzeros", ".scales", ".g_idx")  # of one packed matrix
COPIED = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def write(folder: Path, out: Path) -> Path:
    """The model of `folder`, in float32, in `out`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = config.pop("quantization_config")["quant_method"]
    packed = {name: each for path in folder.glob("*.safetensors") for name, each in load_file(path).items()}
    stems = [name.removesuffix(".qweight") for name in packed if name.endswith(".qweight")]
    plain = {f"{stem}.weight": WAYS[kind](packed, stem) for stem in stems}
    plain |= {name: each.float() for name, each in packed.items() if not name.endswith(PARTS)}
    out.mkdir(parents=True)
    save_file({name: each.contiguous() for name, each in plain.items()}, out / "model.safetensors", {"format": "pt"})
    for name in COPIED:
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    (out / "config.json").write_text(json.dumps(config | {"dtype": "float32"}), encoding="utf-8")
    return out


def gptq(packed: dict[str, Any], stem: str) -> torch.Tensor:
    """Packed along the inputs; its zeros are stored less one."""
    numbers = _unpack(packed[f"{stem}.qweight"].T).T  # inputs, outputs
    zeros = _unpack(packed[f"{stem}.qzeros"]) + 1
    groups, scales = _groups(packed, stem, len(numbers)), packed[f"{stem}.scales"].float()
    return torch.mul(numbers - zeros[groups], scales[groups]).T


def awq(packed: dict[str, Any], stem: str) -> torch.Tensor:
    """Packed along the outputs, in an order of its own."""
    numbers, zeros = (_ordered(_unpack(packed[f"{stem}.{name}"])) for name in ("qweight", "qzeros"))
    groups, scales = _groups(packed, stem, len(numbers)), packed[f"{stem}.scales"].float()
    return torch.mul(numbers - zeros[groups], scales[groups]).T


WAYS = {"gptq": gptq, "awq": awq}


def _unpack(words: torch.Tensor) -> torch.Tensor:
    """Eight numbers for each word of the last axis, the lowest bits first."""
    shifts = torch.arange(PACKED, dtype=torch.int32) * 4
    return ((words[..., None] >> shifts) & 15).flatten(-2).float()


def _ordered(numbers: torch.Tensor) -> torch.Tensor:
    """The number at bits 4·k is output INTERLEAVED[k] of its eight."""
    places = [INTERLEAVED.index(at) for at in range(PACKED)]
    return numbers.reshape(*numbers.shape[:-1], -1, PACKED)[..., places].flatten(-2)


def _groups(packed: dict[str, Any], stem: str, inputs: int) -> torch.Tensor:
    """Which scale each input has."""
    if f"{stem}.g_idx" in packed:
        return torch.as_tensor(packed[f"{stem}.g_idx"]).long()
    return torch.arange(inputs) // (inputs // len(packed[f"{stem}.scales"]))
