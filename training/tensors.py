"""Writes a safetensors file one piece at a time: its header first, then each tensor, a few thousand rows at once."""

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
from numpy.typing import NDArray

Dtype = Literal["float32", "bfloat16"]
NAMES: dict[Dtype, tuple[str, int]] = {"float32": ("F32", 4), "bfloat16": ("BF16", 2)}  # and the bytes of one weight
ROWS = 4096  # dequantised at once


def write(path: Path, tensors: dict[str, gguf.ReaderTensor], dtype: Dtype, tell: Callable[[str], None]) -> None:
    """Write them, in the order of their names, and be sure that they are on the disk."""
    ordered = dict(sorted(tensors.items()))
    total = sum(_size(tensor, dtype) for tensor in ordered.values())
    written, told = 0, -1
    with path.open("wb") as file:
        file.write(header(ordered, dtype))
        for tensor in ordered.values():
            for piece in pieces(tensor, dtype):
                written += file.write(piece)
                if (tenth := written * 10 // total) != told:
                    told = tenth
                    tell(f"{tenth * 10} % of {total / 1e9:.1f} GB")
        file.flush()
        os.fsync(file.fileno())


def header(tensors: dict[str, gguf.ReaderTensor], dtype: Dtype) -> bytes:
    """What a safetensors file begins with; padded, so that the weights are aligned."""
    table: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in tensors.items():
        end = at + _size(tensor, dtype)
        shape = [int(size) for size in reversed(tensor.shape)]  # a GGUF tells the fastest first
        table[name] = {"dtype": NAMES[dtype][0], "shape": shape, "data_offsets": [at, end]}
        at = end
    told = json.dumps(table).encode()
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(8, "little") + told


def pieces(tensor: gguf.ReaderTensor, dtype: Dtype) -> Iterator[bytes]:
    """The weights in the order of the file."""
    for start in range(0, len(tensor.data), ROWS):
        weights = gguf.dequantize(tensor.data[start : start + ROWS], tensor.tensor_type)
        yield (weights.astype("<f4") if dtype == "float32" else bfloat16(weights)).tobytes()


def bfloat16(weights: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper half of each, rounded to the nearest, and to the even one of two that are as near."""
    bits = np.ascontiguousarray(weights, dtype="<f4").view("<u4")
    rounded: NDArray[np.uint32] = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype("<u2")


def _size(tensor: gguf.ReaderTensor, dtype: Dtype) -> int:
    return math.prod(int(size) for size in tensor.shape) * NAMES[dtype][1]
