"""A run that begins at an adapter, not at the bare base: what lies in `start` is merged into the base in memory, stays
as it is, and is what the fresh LoRA is measured from.

Engines serve the base without it, so the adapter that leaves is the sum of both: their halves side by side, exact, of a
rank that is the sum of both ranks.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor

from inference.adapters import WEIGHTS, AdapterError, Facts, check
from training.config import BadRun, Config

MOST = 64  # the rank that engines serve


def merged(base: Any, config: Config) -> Any:
    """The base with it in its weights. Raises BadRun for one that could not leave with the new one."""
    _sound(config)
    return PeftModel.from_pretrained(base, config.start).merge_and_unload()


def stacked(fresh: dict[str, Tensor], config: Config) -> tuple[dict[str, Tensor], Config]:
    """The sum of `start` and the fresh one, and a config that tells its rank; its scale is 1."""
    facts, first = _sound(config), load_file(Path(config.start) / WEIGHTS)
    if first.keys() != fresh.keys():
        raise BadRun("start does not change the same places in every layer")
    scales = facts.alpha / facts.rank, config.alpha / config.rank
    both = {name: _side_by_side(name, first[name], fresh[name], scales) for name in fresh}
    rank = facts.rank + config.rank
    return both, replace(config, rank=rank, alpha=rank)


def _side_by_side(name: str, first: Tensor, fresh: Tensor, scales: tuple[float, float]) -> Tensor:
    if ".lora_A." in name:
        return torch.cat([first.float(), fresh.float()])
    return torch.cat([first.float() * scales[0], fresh.float() * scales[1]], dim=1)


def _sound(config: Config) -> Facts:
    try:
        facts = check(Path(config.start))
    except AdapterError as fault:
        raise BadRun(f"start is no adapter that can be served: {fault}") from fault
    wrong = {
        f"is of another base, {facts.base or 'unnamed'}": facts.base != config.served_as,
        "changes other modules than targets names": facts.targets != set(config.targets),
        f"has rank {facts.rank}, and with {config.rank} beside it more than {MOST}": facts.rank + config.rank > MOST,
    }
    for words, bad in wrong.items():
        if bad:
            raise BadRun(f"start {words}")
    return facts
