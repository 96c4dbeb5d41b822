"""The log-probability of every token of a group's texts, in one pass or in one pass each.

Grouped, the prompt is read once: its completions follow it side by side, each at the positions that it would have
alone, and a mask in the shape of a tree keeps them from seeing each other. Only softmax attention over the whole
sequence obeys such a mask; `training.probe` finds out who does. The head, wide as the vocabulary, sees only positions
that have a token to be judged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.batch import Group


@dataclass(frozen=True, slots=True)
class Scored:
    """Natural log-probabilities by token: of each completion and, where asked for, of the prompt after its first."""

    completions: list[Tensor]
    prompt: Tensor | None = None


Score = Callable[..., Scored]


def grouped(model: Any, group: Group, *, include_prompt: bool = False) -> Scored:
    """All completions in one pass."""
    texts = [each.ids for each in group.completions]
    device = model.device
    ids = torch.tensor([[*group.prompt, *(token for text in texts for token in text)]], device=device)
    logits = model(
        input_ids=ids,
        position_ids=positions(len(group.prompt), [len(text) for text in texts]).to(device)[None],
        attention_mask=tree_mask(len(group.prompt), [len(text) for text in texts], model.dtype).to(device)[None, None],
        logits_to_keep=_judging(len(group.prompt), texts, include_prompt=include_prompt).to(device),
        use_cache=False,
    ).logits[0]
    return _scored(logits, group.prompt[1:] if include_prompt else (), texts)


def apart(model: Any, group: Group, *, include_prompt: bool = False) -> Scored:
    """One pass a completion: right for every causal model."""
    told = [
        _alone(model, group.prompt, each.ids, include_prompt=include_prompt and not at)
        for at, each in enumerate(group.completions)
    ]
    return Scored([each.completions[0] for each in told], told[0].prompt)


def _alone(model: Any, prompt: Sequence[int], text: Sequence[int], *, include_prompt: bool = False) -> Scored:
    """One completion under its prompt, with the model's own mask and positions."""
    ids = torch.tensor([[*prompt, *text]], device=model.device)
    judging = _judging(len(prompt), [text], include_prompt=include_prompt).to(model.device)
    logits = model(input_ids=ids, logits_to_keep=judging, use_cache=False).logits[0]
    return _scored(logits, prompt[1:] if include_prompt else (), [text])


def positions(prompt: int, lengths: Sequence[int]) -> Tensor:
    """Each completion goes on where the prompt ends."""
    return torch.cat([torch.arange(prompt), *(torch.arange(prompt, prompt + length) for length in lengths)])


def tree_mask(prompt: int, lengths: Sequence[int], dtype: torch.dtype) -> Tensor:
    """What is added to attention: nothing where a token may look, the lowest number where it may not."""
    branch = torch.cat([torch.zeros(prompt), *(torch.full((n,), at) for at, n in enumerate(lengths, 1))])
    same = (branch[:, None] == branch) | (branch == 0)
    return torch.zeros(same.shape, dtype=dtype).masked_fill_(~same.tril(), torch.finfo(dtype).min)


def _judging(prompt: int, texts: Sequence[Sequence[int]], *, include_prompt: bool) -> Tensor:
    """Where the token stands that foretells each token: the last of the prompt foretells the first of every text."""
    places = list(range(prompt - 1)) if include_prompt else []
    start = prompt
    for text in texts:
        places += [prompt - 1, *range(start, start + len(text) - 1)]
        start += len(text)
    return torch.tensor(places)


def _scored(logits: Tensor, prompt: Sequence[int], texts: Sequence[Sequence[int]]) -> Scored:
    wanted = torch.tensor([*prompt, *(token for text in texts for token in text)], device=logits.device)
    logits = logits.float()
    each = logits.gather(1, wanted[:, None]).squeeze(1) - logits.logsumexp(dim=1)
    first, *rest = torch.split(each, [len(prompt), *(len(text) for text in texts)])
    return Scored(rest, first if len(prompt) else None)
