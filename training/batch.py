"""Groups: a prompt with the texts that were judged under it, as tokens. A run's `data.jsonl` has one a line:

{"id": "…", "prompt": [{"role": "user", "content": "…"}],
 "completions": [{"text": "…", "label": true, "weight": 1.0}, …],   label: liked or not, for KTO; may be left out
 "pairs": [{"chosen": 0, "rejected": 1, "gap": 0.5, "weight": 1.0}, …],
 "held_out": false}
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.config import BadRun


@dataclass(frozen=True, slots=True)
class Completion:
    """A judged text, with the end-of-turn token that the engine stopped at."""

    ids: tuple[int, ...]
    label: bool | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Places of two completions in their group. `gap`: how much better, 0 to 1."""

    chosen: int
    rejected: int
    gap: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and all that was judged under it."""

    id: str
    prompt: tuple[int, ...]
    completions: tuple[Completion, ...]
    pairs: tuple[Pair, ...] = ()
    held_out: bool = False

    @property
    def longest(self) -> int:
        return len(self.prompt) + max(len(each.ids) for each in self.completions)


@dataclass(slots=True)
class Data:
    """What a run learns from and is measured on; `counts` goes into the manifest."""

    train: list[Group] = field(default_factory=list)
    held_out: list[Group] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: str = ""


def read(path: Path, tokenizer: Any, max_length: int) -> Data:
    """Raises BadRun, which names the line."""
    data, ids = Data(), set[str]()
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise BadRun(f"{path.name} cannot be read: {type(fault).__name__}") from fault
    data.digest = hashlib.sha256(raw).hexdigest()
    for number, line in enumerate(lines(raw.decode("utf-8", "replace")), 1):
        try:
            group = group_of(json.loads(line), tokenizer)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as fault:
            raise BadRun(f"{path.name}, line {number}: {type(fault).__name__} {fault}") from fault
        if group.id in ids:
            raise BadRun(f"{path.name}, line {number}: {group.id!r} for the second time")
        ids.add(group.id)
        _add(data, group, max_length)
    return data


def lines(text: str) -> list[str]:
    """Of JSON lines, which end in a newline and nowhere else: `splitlines` would cut a text at a U+2028 in it."""
    return text.removesuffix("\n").split("\n") if text else []


def _add(data: Data, group: Group, max_length: int) -> None:
    if group.longest > max_length:
        data.counts["left_out_too_long"] += 1
        return
    side = "held_out" if group.held_out else "train"
    (data.held_out if group.held_out else data.train).append(group)
    data.counts[f"{side}_groups"] += 1
    data.counts[f"{side}_completions"] += len(group.completions)
    data.counts[f"{side}_pairs"] += len(group.pairs)


def group_of(told: dict[str, Any], tokenizer: Any) -> Group:
    completions = tuple(_completion(each, tokenizer) for each in told["completions"])
    pairs = tuple(_pair(each, len(completions)) for each in told.get("pairs", ()))
    if not completions:
        raise ValueError("a group without a completion")
    return Group(str(told["id"]), prompt_ids(told["prompt"], tokenizer), completions, pairs, bool(told.get("held_out")))


def prompt_ids(messages: list[dict[str, str]], tokenizer: Any) -> tuple[int, ...]:
    """As engines build it: with the opening of an answer, or with the one begun, to be continued."""
    begun = messages[-1]["role"] == "assistant"
    text = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=not begun, continue_final_message=begun
    )
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _completion(told: dict[str, Any], tokenizer: Any) -> Completion:
    """Read apart from its prompt, since the engine that wrote it could not change the prompt's tokens either."""
    label = told.get("label")
    ids = tokenizer(told["text"], add_special_tokens=False)["input_ids"]
    return Completion((*ids, tokenizer.eos_token_id), None if label is None else bool(label), _weight(told))


def _pair(told: dict[str, Any], count: int) -> Pair:
    pair = Pair(int(told["chosen"]), int(told["rejected"]), float(told.get("gap", 1.0)), _weight(told))
    if pair.chosen == pair.rejected or not all(0 <= at < count for at in (pair.chosen, pair.rejected)):
        raise ValueError(f"no pair of {count} completions: {pair.chosen}, {pair.rejected}")
    return pair


def _weight(told: dict[str, Any]) -> float:
    weight = float(told.get("weight", 1.0))
    if not 0 <= weight < float("inf"):
        raise ValueError(f"a weight of {weight}")
    return weight


def steps_of(groups: Sequence[Group], epoch: int, seed: int, size: int) -> list[list[Group]]:
    """One epoch in an order of its own, the same whenever it is asked for: a resumed run goes on where it was."""
    shuffled = list(groups)
    random.Random(f"{seed}/{epoch}").shuffle(shuffled)  # noqa: S311 (an order, not a secret)
    return [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
