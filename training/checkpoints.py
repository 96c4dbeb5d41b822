"""Where a run stands, on the disk: a kill at any moment loses the steps since, and changes nothing of the result."""

from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict

from training.config import BadRun
from training.lora import sync

NAME = "checkpoint/state.pt"


def save(folder: Path, model: Any, optimiser: torch.optim.Optimizer, *, step: int, mark: str, name: str = NAME) -> None:
    """`mark` tells what the run is made of; whoever resumes must have the same."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    making = path.with_suffix(".making")
    told = {
        "mark": mark,
        "step": step,
        "adapter": get_peft_model_state_dict(model),
        "optimiser": optimiser.state_dict(),
        "random": torch.get_rng_state(),
    }
    torch.save(told, making)
    sync(making)
    making.replace(path)
    sync(path.parent)


def resume(folder: Path, model: Any, optimiser: torch.optim.Optimizer, *, mark: str) -> int:
    """The step after which the run goes on; 0 where nothing was saved. Raises BadRun if it was another run's."""
    path = folder / NAME
    if not path.exists():
        return 0
    told = torch.load(path, weights_only=True, map_location=model.device)
    if told["mark"] != mark:
        raise BadRun("the checkpoint is of another config, base or data; remove it to begin anew")
    set_peft_model_state_dict(model, told["adapter"])
    optimiser.load_state_dict(told["optimiser"])
    torch.set_rng_state(told["random"].cpu())
    return int(told["step"])


def adopt(folder: Path, model: Any, name: str) -> None:
    """The adapter as it was when it was saved under that name."""
    set_peft_model_state_dict(model, torch.load(folder / name, weights_only=True, map_location=model.device)["adapter"])
