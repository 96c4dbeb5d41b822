"""Weights as PyTorch wrote them before 2020, read without PyTorch: a row of pickles, then each storage's bytes.

Only tensors come out. The pickles may name nothing but what a table of tensors is made of, whatever file is given.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor lies in its storage."""

    key: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers: these were laid down by TensorFlow, and only turned


class _Names(pickle.Unpickler):
    """Knows the few names of a state_dict, and refuses every other."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", storage): storage for storage in DTYPES},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a table of weights")
        return known[module, name]

    def persistent_load(self, ident: Any) -> Any:
        _, storage, key, _, _, _ = ident
        return key, DTYPES[storage]


def _tensor(
    storage: tuple[str, Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(*storage, offset, shape, strides)


def read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Every tensor by its name. Raises ValueError where the file is not of that kind."""
    with path.open("rb") as file:
        load: Callable[[], Any] = lambda: _Names(file).load()  # noqa: E731
        if load() != MAGIC:
            raise ValueError(f"{path.name}: not weights of the old kind")
        load()  # the version of the format
        load()  # what machine wrote it: a little-endian one, which the sha256 has said already
        told = load()
        storages = _storages(file, load(), {tensor.key: tensor.dtype for tensor in told.values()})
    return {name: _cut(storages[tensor.key], tensor) for name, tensor in told.items()}


def _storages(file: BinaryIO, keys: list[str], dtypes: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    found = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        found[key] = np.frombuffer(file.read(count * dtypes[key].itemsize), dtypes[key])
    return found


def _cut(storage: np.ndarray[Any, Any], tensor: _Tensor) -> np.ndarray[Any, Any]:
    """`ndarray` itself refuses a shape that reaches beyond the storage."""
    step = storage.itemsize
    strides = tuple(stride * step for stride in tensor.strides)
    return np.ndarray(tensor.shape, storage.dtype, storage, tensor.offset * step, strides)
