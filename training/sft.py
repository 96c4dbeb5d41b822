"""Supervised fine-tuning: every text that is not labelled as disliked is a good one. Its prompt is not learnt."""

import torch

from training.batch import Completion, Group
from training.method import Case, Method, Told, kl


def weight(group: Group) -> float:
    return sum(map(_weight, group.completions))


def _weight(text: Completion) -> float:
    return 0.0 if text.label is False else text.weight


def loss(case: Case) -> Told:
    weights = torch.tensor([_weight(each) for each in case.group.completions], device=case.drift.device)
    means = torch.stack([each.mean() for each in case.scored.completions])
    total = -(weights.to(means.device) * means).sum()
    told, share = float(total.detach()), float(weights.sum())
    return Told(total, {"loss": (told, share), "chosen_logp": (-told, share)} | kl(case))


METHOD = Method(weight, loss, frozen=False)
