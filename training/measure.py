"""What a model says of texts that are there already: held-out judgements, fixed poems, fixed prose.

The base and its adapters are read in one process, one after the other, through the trainer's own forward pass. What a
model said is kept in a file under everything that it depends on, and not asked again.

A model ranks by how much likelier it finds a text than the base does: that is what preference training moves, and what
turns round if labels do. The base moves nothing, so that all its pairs are even.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from training import batch, lora, probe, questions
from training.batch import Completion, Group
from training.config import Config
from training.gate import Measured, Written
from training.progress import write_json

OPENING = 8  # tokens of a prose text that are given


@dataclass(frozen=True, slots=True)
class Read:
    """By held-out inspiration and text: its log-probability and its tokens; by fixed text: nats a token."""

    sums: dict[str, list[float]]
    tokens: dict[str, list[int]]
    poems: dict[str, float]
    general: dict[str, float]


class Reader:
    """The base in memory; adapters are put on it one at a time."""

    def __init__(self, config: Config, groups: Sequence[Group]) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(config.base, local_files_only=True)
        place = lora.device()
        dtype = lora.dtype_for(place, config)
        base: Any = AutoModelForCausalLM.from_pretrained(config.base, dtype=dtype, local_files_only=True)
        self.base = base.to(place).eval()
        self.groups = groups
        told = {name: batch.group_of(each, self.tokenizer) for name, each in questions.poems().items()}
        self.poems = told
        self.prose = {name: self._continued(name, text) for name, text in questions.prose().items()}
        verdict = probe.judge(self.base, [*groups, *told.values()])
        self.score = verdict.score if config.grouped else probe.Verdict(grouped=False, why="not_wanted").score

    def _continued(self, name: str, text: str) -> Group:
        """Prose has no prompt: its beginning foretells the rest."""
        ids = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return Group(name, ids[:OPENING], (Completion(ids[OPENING:]),))

    def read(self, adapter: Path | None) -> Read:
        """All of it, once, with the adapter or without any."""
        with self.wearing(adapter) as model, torch.inference_mode():
            return self._read(model)

    @contextmanager
    def wearing(self, adapter: Path | None) -> Iterator[Any]:
        """The model with the adapter or without any; afterwards the base is as it was."""
        if adapter is None:
            yield self.base
            return
        model = PeftModel.from_pretrained(self.base, str(adapter)).eval()
        try:
            yield model
        finally:
            self.base = model.unload()

    def _read(self, model: Any) -> Read:
        held_out = {group.id: self.score(model, group).completions for group in self.groups}
        return Read(
            sums={name: [float(each.double().sum()) for each in texts] for name, texts in held_out.items()},
            tokens={name: [len(each) for each in texts] for name, texts in held_out.items()},
            poems={name: self._surprise(model, group) for name, group in self.poems.items()},
            general={name: self._surprise(model, group) for name, group in self.prose.items()},
        )

    def _surprise(self, model: Any, group: Group) -> float:
        return -float(self.score(model, group).completions[0].double().mean())


def kept(path: Path) -> Read | None:
    """What was read before; nothing if there is no such file, or half of one."""
    try:
        return Read(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep(path: Path, read: Read) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(read))


def measured(mine: Read, base: Read, groups: Sequence[Group], written: Sequence[Written], beta: float) -> Measured:
    """For the gate. `beta`: of DPO's loss, see training.config."""
    judged = [group for group in groups if group.pairs]
    margins = {group.id: _margins(group, mine.sums[group.id], base.sums[group.id]) for group in judged}
    return Measured(
        ranked={name: fmean(0.5 if each == 0 else float(each > 0) for each in told) for name, told in margins.items()},
        loss={name: fmean(_softplus(-beta * each) for each in told) for name, told in margins.items()},
        chosen={group.id: _chosen(group, mine) for group in judged},
        poems=mine.poems,
        general=mine.general,
        written=written,
    )


def _margins(group: Group, mine: Sequence[float], base: Sequence[float]) -> list[float]:
    """By pair: how much more the chosen text gained on the base than the rejected one did."""
    gained = [ours - theirs for ours, theirs in zip(mine, base, strict=True)]
    return [gained[pair.chosen] - gained[pair.rejected] for pair in group.pairs]


def _softplus(number: float) -> float:
    """log(1 + e^x), which is -log sigmoid(-x); not of e^x, which overflows."""
    return max(number, 0.0) + math.log1p(math.exp(-abs(number)))


def _chosen(group: Group, mine: Read) -> float:
    """The log-probability a token of its chosen texts."""
    sums, tokens = mine.sums[group.id], mine.tokens[group.id]
    return fmean(sums[at] / tokens[at] for at in sorted({pair.chosen for pair in group.pairs}))


def figures(mine: Read, base: Read, groups: Sequence[Group], beta: float) -> dict[str, float]:
    """What is worth telling beside the checks. `shorter_first`: how a judge does who looks at nothing but length."""
    pairs = [(group, pair) for group in groups for pair in group.pairs]
    lengths = [(mine.tokens[group.id][pair.chosen], mine.tokens[group.id][pair.rejected]) for group, pair in pairs]
    right = [0.5 if one == other else float(one < other) for one, other in lengths]
    seen = measured(mine, base, groups, (), beta)
    return {
        "held_out_inspirations": float(sum(bool(group.pairs) for group in groups)),
        "held_out_pairs": float(len(pairs)),
        "ranked_right": mean(seen.ranked),
        "preference_loss": mean(seen.loss),
        "shorter_first": fmean(right) if right else 0.5,
        "poems_nats": mean(mine.poems),
        "general_nats": mean(mine.general),
    }


def mean(by_name: Mapping[str, float]) -> float:
    return fmean(by_name.values()) if by_name else 0.0
