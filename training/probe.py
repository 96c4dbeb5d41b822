"""Whether a model may be trained by groups: it must be of a kind known to obey the tree mask, and prove it on the data.

Models with a recurrent state (linear attention), or with a window shorter than the text, take the mask without a word
and compute something else. Those are trained one sequence at a time.
"""

from dataclasses import dataclass
from typing import Any

import torch

from training import forward
from training.batch import Group

ALLOWED = frozenset({"qwen2", "qwen3", "llama", "gemma3_text"})
WITHIN = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # relative: of all log-probabilities, as vectors


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error` is None where nothing was measured. `why` is a word for the manifest."""

    grouped: bool
    why: str
    error: float | None = None

    @property
    def score(self) -> forward.Score:
        return forward.grouped if self.grouped else forward.apart


def judge(model: Any, groups: list[Group]) -> Verdict:
    """Measured on the longest group that has siblings, since windows overflow there first."""
    told = model.config.to_dict()
    if told["model_type"] not in ALLOWED:
        return Verdict(grouped=False, why="other_architecture")
    sliding = "sliding_attention" in (told.get("layer_types") or ())
    if sliding and max(group.longest for group in groups) > told["sliding_window"]:
        return Verdict(grouped=False, why="sliding_window")
    siblings = [group for group in groups if len(group.completions) > 1]
    if not siblings:
        return Verdict(grouped=True, why="no_siblings")
    error = measure(model, max(siblings, key=lambda group: group.longest))
    holds = error <= WITHIN.get(model.dtype, 2e-2)
    return Verdict(grouped=holds, why="agrees" if holds else "disagrees", error=error)


def measure(model: Any, group: Group) -> float:
    """How far one pass is from one pass each."""
    with torch.no_grad():
        once = torch.cat(forward.grouped(model, group).completions)
        each = torch.cat(forward.apart(model, group).completions)
    error = float((once - each).norm() / each.norm())
    return error if error == error else float("inf")  # NaN agrees with nothing
