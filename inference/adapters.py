"""Whether a folder is an adapter that every engine can serve; read without torch, and before any engine sees it.

Engines differ in what they do with an adapter that they do not understand: one refuses it, one drops the half that it
does not know, one serves the base under its name. So only plain LoRA passes here.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LONGEST_HEADER = 16 << 20
CHUNK = 8 << 20
SIZES = {"F32": 4, "F16": 2, "BF16": 2}
KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # in numpy's words
NAME = re.compile(r"base_model\.model\.(?P<module>[\w.]+)\.lora_(?P<half>[AB])\.weight", re.ASCII)
Code = Literal[
    "missing_file", "broken_config", "not_lora", "rank_too_high", "dora", "rslora", "modules_to_save",
    "unusual", "broken_weights", "not_finite", "no_effect",
]  # fmt: skip
# What PEFT can add to a LoRA, and engines leave out in silence or refuse.
UNUSUAL = (
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "lora_bias",
    "trainable_token_indices",
    "exclude_modules",
)


class AdapterError(Exception):
    """An adapter that must not be served. `detail` names a file, a key or a tensor."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Facts:
    """What an adapter says of itself. `modules` are the places in the base that it changes; `digest` is `digest_of`."""

    rank: int
    alpha: float
    base: str
    targets: frozenset[str]
    modules: frozenset[str]
    rslora: bool
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a safetensors file: from `start` to `end` in the file."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def check(folder: Path, rank_limit: int = 64, *, rslora: bool = False) -> Facts:
    """The adapter in `folder`, all of it read. Raises AdapterError for what an engine may not serve.

    `rslora` tells that the engine knows rank-stabilised scaling.
    """
    facts = facts_of(folder)
    if facts.rank > rank_limit:
        raise AdapterError("rank_too_high", f"{facts.rank}, and at most {rank_limit} is served")
    if facts.rslora and not rslora:
        raise AdapterError("rslora", CONFIG)
    _scan(folder / WEIGHTS)
    return replace(facts, digest=digest_of(folder))


def facts_of(folder: Path) -> Facts:
    """What config and header say, compared with each other; no weight is read."""
    config = _config(folder / CONFIG)
    targets = frozenset(config["target_modules"])
    modules = _modules(header(folder / WEIGHTS), config["r"])
    if {module.rsplit(".", 1)[-1] for module in modules} != targets:
        raise AdapterError("broken_weights", "other modules than target_modules names")
    return Facts(
        config["r"],
        float(config["lora_alpha"]),
        str(config.get("base_model_name_or_path") or ""),
        targets,
        modules,
        bool(config.get("use_rslora")),
    )


def digest_of(folder: Path) -> str:
    """The sha256 of every file below `folder`, its name and its content, in the order of the names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file():
            name = path.relative_to(folder).as_posix().encode()
            digest.update(len(name).to_bytes(8, "big") + name + path.stat().st_size.to_bytes(8, "big"))
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AdapterError("missing_file", CONFIG) from error
    except (OSError, ValueError) as error:
        raise AdapterError("broken_config", type(error).__name__) from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise AdapterError("not_lora", CONFIG)
    rank, alpha, targets = (config.get(key) for key in ("r", "lora_alpha", "target_modules"))
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float) or alpha <= 0:
        raise AdapterError("broken_config", "r, lora_alpha")
    # A pattern such as "all-linear" means one thing to PEFT and another, or nothing, to an engine.
    if not isinstance(targets, list) or not targets or not all(isinstance(name, str) for name in targets):
        raise AdapterError("broken_config", "target_modules")
    if config.get("use_dora"):
        raise AdapterError("dora", CONFIG)
    if config.get("modules_to_save"):
        raise AdapterError("modules_to_save", CONFIG)
    for key in UNUSUAL:
        if config.get(key):
            raise AdapterError("unusual", key)
    if config.get("bias", "none") != "none":
        raise AdapterError("unusual", "bias")
    return config


def _modules(tensors: dict[str, Tensor], rank: int) -> frozenset[str]:
    """The modules that have both halves, of the rank that the config tells."""
    halves: dict[str, set[str]] = {"A": set(), "B": set()}
    for name, tensor in tensors.items():
        found = NAME.fullmatch(name)
        if not found or len(tensor.shape) != 2 or tensor.shape["AB".index(found["half"])] != rank:
            raise AdapterError("broken_weights", name[:80])
        halves[found["half"]].add(found["module"])
    if not tensors or halves["A"] != halves["B"]:
        raise AdapterError("broken_weights", "a half is missing")
    return frozenset(halves["A"])


def header(path: Path) -> dict[str, Tensor]:
    """The table at the front of a safetensors file, believed only where it fits the file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= LONGEST_HEADER:
                raise AdapterError("broken_weights", "length of the header")
            told = json.loads(file.read(length))
            size = path.stat().st_size
    except FileNotFoundError as error:
        raise AdapterError("missing_file", WEIGHTS) from error
    except (OSError, ValueError) as error:
        raise AdapterError("broken_weights", type(error).__name__) from error
    if not isinstance(told, dict):
        raise AdapterError("broken_weights", "header")
    told.pop("__metadata__", None)
    return {name: _tensor(name, one, 8 + length, size) for name, one in told.items()}


def _tensor(name: str, told: Any, front: int, size: int) -> Tensor:
    try:
        kind, shape, (start, end) = told["dtype"], tuple(map(int, told["shape"])), told["data_offsets"]
        if end - start == math.prod(shape) * SIZES[kind] > 0 and start >= 0 and front + end <= size:
            return Tensor(kind, shape, front + start, front + end)
    except (KeyError, TypeError, ValueError):
        pass
    raise AdapterError("broken_weights", name[:80])


def _scan(path: Path) -> None:
    """Every weight is a number, and some lora_B is not zero: a fresh LoRA is, and changes nothing."""
    import numpy as np  # noqa: PLC0415 - the web process, which only reads rows, does without it

    moved = False
    for name, tensor in header(path).items():
        for data in _pieces(path, tensor):
            weights = np.frombuffer(data, KINDS[tensor.kind])
            if tensor.kind == "BF16":  # the upper half of a float32, which numpy knows
                weights = (weights.astype("<u4") << 16).view("<f4")
            if not np.isfinite(weights).all():
                raise AdapterError("not_finite", name)
            moved = moved or (".lora_B." in name and bool(weights.any()))
    if not moved:
        raise AdapterError("no_effect", "every lora_B is zero")


def _pieces(path: Path, tensor: Tensor) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(tensor.start)
        for start in range(tensor.start, tensor.end, CHUNK):
            yield file.read(min(CHUNK, tensor.end - start))
