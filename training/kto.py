"""Kahneman-Tversky optimisation: for texts that were liked or not with nothing beside them to compare.

Each is measured against `drift`: how much likelier than the base the policy finds texts that answer something else. It
comes from texts of other groups under this group's prompt, and no gradient flows through it.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from training import losses
from training.batch import Completion, Group
from training.method import Case, Method, Told, kl


def weight(group: Group) -> float:
    return sum(each.weight for each in group.completions if each.label is not None)


def loss(case: Case) -> Told:
    total = torch.zeros((), device=case.drift.device)
    figures = {name: (0.0, 0.0) for name in ("loss", "margin", "accuracy", "chosen_logp", "rejected_logp")}
    for text, new, old in zip(case.group.completions, case.scored.completions, case.frozen, strict=True):
        if text.label is not None:
            ratio = (new - old).sum()
            each = _weight_of(text, case) * losses.kto(ratio, case.drift, case.config.beta, liked=text.label)
            total = total + each
            _note(figures, text, float(each.detach()), float(ratio.detach()), float(new.detach().mean()))
    return Told(total, figures | kl(case))


def _weight_of(text: Completion, case: Case) -> float:
    return text.weight * (case.config.desirable if text.label else case.config.undesirable)


def _note(
    figures: dict[str, tuple[float, float]], text: Completion, each: float, ratio: float, likelihood: float
) -> None:
    ahead = ratio if text.label else -ratio
    right = 0.5 if not ahead else float(ahead > 0)
    side = "chosen_logp" if text.label else "rejected_logp"
    seen = {"loss": each / text.weight if text.weight else 0.0, "margin": ahead, "accuracy": right, side: likelihood}
    for name, value in seen.items():
        figures[name] = (figures[name][0] + text.weight * value, figures[name][1] + text.weight)


def strangers(groups: Sequence[Group]) -> dict[str, Group]:
    """By group: its prompt with a text of the next group, which answers something else."""
    after = [*groups[1:], *groups[:1]]
    return {
        one.id: replace(one, completions=(_drawn(other),), pairs=()) for one, other in zip(groups, after, strict=True)
    }


def _drawn(group: Group) -> Completion:
    """Any that is learnt from, and the same one each time: by place it would be the liked one of every group."""
    judged = [each for each in group.completions if each.label is not None]
    return random.Random(group.id).choice(judged)  # noqa: S311 (no secret)


def drift(policy: Sequence[Tensor], frozen: Sequence[Tensor]) -> Tensor:
    """Never below zero, as the divergence that it stands for."""
    ratios = [(new - old).sum() for new, old in zip(policy, frozen, strict=True)]
    return torch.stack(ratios).mean().clamp(min=0).detach()


METHOD = Method(weight, loss, drift=True)
