"""Odds-ratio preference optimisation: the chosen text's likelihood, and its odds over the rejected; no reference."""

import torch

from training import losses
from training.method import Case, Method, Told, pairs_told, pairs_weight


def loss(case: Case) -> Told:
    texts, pairs = case.scored.completions, case.group.pairs
    means = torch.stack([each.mean() for each in texts])
    chosen, rejected = [each.chosen for each in pairs], [each.rejected for each in pairs]
    nll = -means[chosen]
    if case.scored.prompt is not None:
        prompt = case.scored.prompt
        nll = torch.stack([-torch.cat([prompt, texts[at]]).mean() for at in chosen])
    each = losses.orpo(nll, means[chosen], means[rejected], case.config.beta)
    return pairs_told(case, each, losses.log_odds(means[chosen], means[rejected]))


METHOD = Method(pairs_weight, loss, frozen=False)
