"""Whether a file on the disk is a whole GGUF, without loading it: the header, and a tensor table that fits the file."""

import mmap
import struct
from pathlib import Path

from inference.models.trouble import SupplyError

SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # value type: bytes
STRING, ARRAY = 8, 9
# tensor type: (weights in a block, bytes of a block); others are checked by their place alone
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84)}
BLOCKS |= {11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 30: (1, 2)}


class _Reader:
    """Walks the header; `struct.error` means that the file ends too early."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return int(value)

    def string(self) -> bytes:
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length : self.at]

    def skip_value(self, kind: int) -> int | None:
        """Pass over a value; tell it if it is a 32-bit number."""
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            inner, count = self.number("I"), self.number("Q")
            if inner in SCALARS:
                self.at += SCALARS[inner] * count
            else:
                for _ in range(count):
                    self.skip_value(inner)
        elif kind == 4:
            return self.number("I")
        elif kind in SCALARS:
            self.at += SCALARS[kind]
        else:
            raise ValueError(f"value type {kind}")
        return None


def _needed(data: mmap.mmap) -> int:
    """How long the file must be to hold its last tensor."""
    reader = _Reader(data)
    if data[:4] != b"GGUF":
        raise ValueError("no GGUF header")
    reader.at = 4
    if (version := reader.number("I")) not in {2, 3}:
        raise ValueError(f"GGUF version {version}")
    tensors, values, alignment = reader.number("Q"), reader.number("Q"), 32
    for _ in range(values):
        key = reader.string()
        value = reader.skip_value(reader.number("I"))
        if key == b"general.alignment" and value:
            alignment = value
    end = 0
    for _ in range(tensors):
        reader.string()
        weights = 1
        for _ in range(reader.number("I")):
            weights *= reader.number("Q")
        block, size = BLOCKS.get(reader.number("I"), (1, 0))
        end = max(end, reader.number("Q") + weights // block * size)
    return -(-reader.at // alignment) * alignment + end


def architecture(path: Path) -> str:
    """The architecture that the file names, which is the first thing it says; empty if it says none."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(data)
        reader.at = 24  # past the magic, the version, and the two counts
        try:
            key, kind = reader.string(), reader.number("I")
            return reader.string().decode() if (key, kind) == (b"general.architecture", STRING) else ""
        except (struct.error, UnicodeDecodeError):
            return ""


def check(path: Path) -> None:
    """Refuse a file that llama.cpp could not load, with a sentence instead of its crash."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            needed = _needed(data)
            if len(data) < needed:
                raise ValueError(f"{len(data)} / {needed} bytes")
    except (ValueError, struct.error, OSError) as error:
        why = str(error) if isinstance(error, ValueError) and str(error) else "cut off"
        raise SupplyError("broken_gguf", path=path, why=why) from error
