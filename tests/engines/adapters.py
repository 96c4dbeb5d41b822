"""Adapters for tests: rank 64 on all seven projections of the 0.5B, random, strong enough to be seen, weak enough that
the model still writes verses. Each lies in a cache by what it is made of, with its reference, so it is made once.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from inference.engines.base import AdapterFiles
from inference.request import Ask, Kind, messages
from tests.processes import ROOT
from tests.processes_inference import model_file
from training.base import MANIFEST, base_of

RANK, ALPHA, LAYERS = 64, 128, 24
STRENGTH = 0.2  # of a change over the weight that it changes; it moves the likeliest first tokens by half a nat
PROJECTIONS = {
    "self_attn": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
}
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SERVED_BASE = "qwen2.5-coder-0.5b-instruct"
ASKS = (("wujue", "湖上的晨雾", "zh"), ("free", "雨后的街", "zh"), ("english", "the lake at dawn", "en"))
PROBES = [messages(Ask(Kind.POEM, form, wish, "", "", language)) for form, wish, language in ASKS]
Probes = list[list[dict[str, str]]]


def base_folder() -> Path:
    """The 0.5B as safetensors, beside the file that it was made from."""
    return base_of(model_file())


def first(probes: Probes = PROBES) -> AdapterFiles:
    """One adapter."""
    return _kept("dawn", 1, probes)


def second(probes: Probes = PROBES) -> AdapterFiles:
    """Another one, that says other things."""
    return _kept("dusk", 2, probes)


def changed(adapter: AdapterFiles, name: str, beside: Path, *, only: str = "", scale: float = 1.0) -> AdapterFiles:
    """The same adapter as a faulty engine would apply it: only the modules whose path holds `only`, or all of it
    `scale` times as strongly. The reference is the whole adapter's.
    """
    folder = beside / name
    shutil.copytree(adapter.folder, folder)
    weights = load_file(folder / WEIGHTS)
    kept = {key: value * (scale if ".lora_B." in key else 1.0) for key, value in weights.items() if only in key}
    save_file({key: value.astype(np.float32) for key, value in kept.items()}, folder / WEIGHTS, {"format": "pt"})
    modules = sorted({key.split(".lora_")[0].rsplit(".", 1)[-1] for key in kept})
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8")) | {"target_modules": modules}
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return AdapterFiles(name, folder)


def _kept(name: str, seed: int, probes: Probes) -> AdapterFiles:
    base = base_folder()
    made_of = json.loads((base / MANIFEST).read_text(encoding="utf-8"))["source_sha256"]
    recipe = json.dumps([1, made_of, RANK, ALPHA, STRENGTH, seed, probes], ensure_ascii=False)
    cache = Path(os.environ.get("BAILU_TEST_CACHE") or "~/.cache/bailu/tests").expanduser() / "adapters"
    folder = cache / hashlib.sha256(recipe.encode()).hexdigest()[:16] / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent / "lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                making = Path(scratch) / name
                making.mkdir()
                write(making, base, seed)
                refer(making, base, probes)
                making.rename(folder)
    return AdapterFiles(name, folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(folder: Path, base: Path, seed: int) -> None:
    """A PEFT folder with the fewest keys that PEFT and every engine can read."""
    save_file(dict(_halves(base, np.random.default_rng(seed))), folder / WEIGHTS, {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": SERVED_BASE,
        "r": RANK,
        "lora_alpha": ALPHA,
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
        "target_modules": [name for names in PROJECTIONS.values() for name in names],
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _halves(base: Path, dice: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    with safe_open(base / "model.safetensors", "np") as weights:
        for layer in range(LAYERS):
            for part, names in PROJECTIONS.items():
                for name in names:
                    place = f"model.layers.{layer}.{part}.{name}"
                    weight = weights.get_tensor(f"{place}.weight")
                    outward, inward = weight.shape
                    a = dice.standard_normal((RANK, inward), dtype=np.float32) / np.float32(inward**0.5)
                    b = dice.standard_normal((outward, RANK), dtype=np.float32)
                    b *= np.float32(STRENGTH * float(weight.std()) * inward**0.5 / (ALPHA / RANK * RANK**0.5))
                    yield f"base_model.model.{place}.lora_A.weight", a
                    yield f"base_model.model.{place}.lora_B.weight", b


def refer(folder: Path, base: Path, probes: Probes) -> None:
    """In a process of its own, so that torch does not stay in this one."""
    asked = folder.parent / "probes.json"
    asked.write_text(json.dumps(probes, ensure_ascii=False), encoding="utf-8")
    argv = [sys.executable, "-m", "training.reference", str(base), str(folder), str(asked)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
