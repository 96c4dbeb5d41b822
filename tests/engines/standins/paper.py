"""Adapters of paper: a configuration like a real one's, and a reference that says what a stand-in is to measure."""

import json
from pathlib import Path
from typing import Any

from inference.engines.base import AdapterFiles
from tests.engines.stands import CHAT

SAID = {"湖": -1.0, "山": -1.5, "风": -2.0, " the": -2.5, "月": -3.0}  # the base, of any chat


def paper(folder: Path, name: str, by: float, rank: int = 64) -> AdapterFiles:
    """An adapter that makes every first token less likely by so many nats."""
    own = folder / name
    own.mkdir()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "base",
        "inference_mode": True,
        "lora_dropout": 0.0,
        "bias": "none",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj", "v_proj"],
    }
    (own / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    moved = {token: value - by for token, value in SAID.items()}
    probes = [{"messages": CHAT, "base": SAID, "adapter": moved}]
    (own / "reference.json").write_text(json.dumps({"probes": probes}, ensure_ascii=False), encoding="utf-8")
    return AdapterFiles(name, own)


def rank_of(folder: Path) -> int:
    """The rank that a folder's configuration says; raises OSError if there is none."""
    told: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    return int(told["r"])


def measured(folder: Path | None, messages: list[dict[str, Any]]) -> dict[str, float]:
    """The log-probabilities of the first tokens: the base's, or those that the folder's reference tells."""
    if folder is None:
        return SAID
    probes = json.loads((folder / "reference.json").read_text(encoding="utf-8"))["probes"]
    return next((dict(probe["adapter"]) for probe in probes if probe["messages"] == messages), SAID)
