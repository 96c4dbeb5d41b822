"""What sft, dpo, orpo and kto have in common: each is one `Method`, and answers one `Case` with one `Told`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from training.batch import Group
from training.config import Config
from training.forward import Scored


@dataclass(frozen=True, slots=True)
class Case:
    """A group, what the policy says of its texts, and what the frozen base said. `drift`: see KTO."""

    group: Group
    scored: Scored
    frozen: list[Tensor]
    config: Config
    drift: Tensor = field(default_factory=lambda: torch.zeros(()))


@dataclass(slots=True)
class Told:
    """A weighted sum of losses, and figures as (weighted sum, weight): they add up over groups."""

    loss: Tensor
    figures: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Method:
    """`weight`: of all that a group has to say; nothing is learnt from a group of weight 0."""

    weight: Callable[[Group], float]
    loss: Callable[[Case], Told]
    frozen: bool = True  # whether the loss itself needs what the base says
    drift: bool = False


def pairs_weight(group: Group) -> float:
    return sum(each.weight for each in group.pairs)


def pairs_told(case: Case, losses: Tensor, margins: Tensor) -> Told:
    """From one loss and one margin a pair."""
    weights = torch.tensor([each.weight for each in case.group.pairs], device=losses.device)
    chosen = torch.stack([case.scored.completions[each.chosen].mean() for each in case.group.pairs])
    rejected = torch.stack([case.scored.completions[each.rejected].mean() for each in case.group.pairs])
    total = float(weights.sum())
    seen = {
        "loss": losses,
        "margin": margins,
        "accuracy": torch.where(margins == 0, 0.5, (margins > 0).float()),  # an untrained adapter knows nothing: 0.5
        "chosen_logp": chosen,
        "rejected_logp": rejected,
    }
    figures = {name: (float((weights * each.detach()).sum()), total) for name, each in seen.items()}
    return Told((weights * losses).sum(), figures | kl(case))


def kl(case: Case) -> dict[str, tuple[float, float]]:
    """An estimate, a token, of how far the policy is from the base: half the squared log-ratio; never below zero."""
    if not case.frozen:
        return {}
    apart = torch.cat(case.scored.completions).detach() - torch.cat(case.frozen)
    return {"kl": (float(apart.square().sum() / 2), float(apart.numel()))}
