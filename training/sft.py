"""Supervised fine-tuning: every text of a group is a good one. Its likelihood is learnt, its prompt's is not."""

import torch

from training.batch import Group
from training.method import Case, Method, Told, kl


def weight(group: Group) -> float:
    return sum(each.weight for each in group.completions)


def loss(case: Case) -> Told:
    weights = torch.tensor([each.weight for each in case.group.completions], device=case.drift.device)
    means = torch.stack([each.mean() for each in case.scored.completions])
    total = -(weights.to(means.device) * means).sum()
    told, share = float(total.detach()), float(weights.sum())
    return Told(total, {"loss": (told, share), "chosen_logp": (-told, share)} | kl(case))


METHOD = Method(weight, loss, frozen=False)
