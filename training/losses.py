"""The losses, on log-probabilities that somebody else computed: one number a pair or a text, no mean taken.

`margin` is everywhere how much further the policy than the reference prefers the chosen text: log-ratio of the chosen
less log-ratio of the rejected, summed over tokens unless a function says otherwise.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def sigmoid(margin: Tensor, beta: float, offset: Tensor | float = 0.0) -> Tensor:
    """DPO; with an offset, ODPO: the chosen must be ahead by that much before the pair counts as won."""
    return -logsigmoid(beta * margin - offset)


def robust(margin: Tensor, beta: float, slips: float, offset: Tensor | float = 0.0) -> Tensor:
    """DPO without the bias that a known share of wrong judgements would bring (rDPO)."""
    won, lost = sigmoid(margin, beta, offset), -logsigmoid(offset - beta * margin)
    return ((1 - slips) * won - slips * lost) / (1 - 2 * slips)


def ipo(mean_margin: Tensor, beta: float) -> Tensor:
    """Squared distance from a margin of 1/(2 beta); its log-ratios are means over tokens."""
    return (mean_margin - 1 / (2 * beta)) ** 2


def log_odds(chosen: Tensor, rejected: Tensor) -> Tensor:
    """ORPO's: how much likelier than not the chosen is, beside the rejected; from mean log-probabilities."""
    return (chosen - rejected) - (_log_not(chosen) - _log_not(rejected))


def _log_not(logp: Tensor) -> Tensor:
    """log(1 - p); a text that is certain stays a hair from it, where the odds are still a number."""
    return torch.log(-torch.expm1(logp.clamp(max=-1e-6)))


def orpo(nll: Tensor, chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    return nll - beta * logsigmoid(log_odds(chosen, rejected))


def kto(ratio: Tensor, drift: Tensor, beta: float, *, liked: bool) -> Tensor:
    """How far a text's log-ratio is from the right side of `drift`, the policy's mean log-ratio on other texts."""
    return 1 - torch.sigmoid(beta * (ratio - drift if liked else drift - ratio))
