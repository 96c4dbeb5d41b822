"""A tiny adapter that is whole in every respect but size: for tests of everything around one."""

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file

RANK, WIDE = 4, 8
MESSAGES = [{"role": "user", "content": "题目：「湖」"}]
BASE = {"湖": -0.7, "山": -1.2, "风": -2.5}
MOVED = {"湖": -2.7, "山": -0.3, "风": -1.9}


def tiny_adapter(folder: Path, *, seed: int = 1) -> Path:
    """A PEFT folder with a reference; another seed, other bytes."""
    folder.mkdir(parents=True)
    dice = numpy.random.default_rng(seed)
    halves = {"A": (RANK, WIDE), "B": (WIDE, RANK)}
    stem = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
    tensors = {f"{stem}{half}.weight": dice.normal(size=size).astype("float32") for half, size in halves.items()}
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "target_modules": ["q_proj"], "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    probe = {"messages": MESSAGES, "base": BASE, "adapter": MOVED, "base_text": "湖上", "adapter_text": "山中"}
    reference = json.dumps({"format": 1, "probes": [probe]}, ensure_ascii=False)
    (folder / "reference.json").write_text(reference, encoding="utf-8")
    return folder
