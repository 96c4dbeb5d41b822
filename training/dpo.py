"""Direct preference optimisation: the chosen text must gain on the rejected one, measured from the frozen base.

With the chosen text's own likelihood beside it, since the margin alone also grows while both texts become unlikelier.
"""

import torch
from torch import Tensor

from training import losses
from training.method import Case, Method, Told, pairs_told, pairs_weight


def loss(case: Case) -> Told:
    config, pairs = case.config, case.group.pairs
    ratios = [new - old for new, old in zip(case.scored.completions, case.frozen, strict=True)]
    sums, means = torch.stack([each.sum() for each in ratios]), torch.stack([each.mean() for each in ratios])
    chosen, rejected = [each.chosen for each in pairs], [each.rejected for each in pairs]
    margins = sums[chosen] - sums[rejected]
    gaps = torch.tensor([each.gap for each in pairs], device=margins.device)
    kinds: dict[str, Tensor] = {
        "sigmoid": losses.sigmoid(margins, config.beta, config.offset * gaps),
        "robust": losses.robust(margins, config.beta, config.smoothing, config.offset * gaps),
        "ipo": losses.ipo(means[chosen] - means[rejected], config.beta),
    }
    nll = torch.stack([-case.scored.completions[at].mean() for at in chosen])
    return pairs_told(case, kinds[config.loss] + config.nll * nll, margins)


METHOD = Method(pairs_weight, loss)
