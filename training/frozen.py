"""What the base, frozen, says of each text: computed once and kept in the run's folder, one text a line.

Kept under a key of base, template and precision; under any other key it is made anew. A line that a kill cut off is
computed again. Runs may share a file besides (`Config.frozen`), so that each asks only about what is new: it holds
digests and numbers, no text, and of these only what the newest run needed.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.batch import Completion, Group
from training.forward import Score


class Frozen:
    """A file of log-probabilities by token."""

    def __init__(self, path: Path, key: str, device: torch.device, shared: Path | None = None) -> None:
        self.path, self.key, self.device, self.shared = path, key, device, shared
        self.known = (_known(shared, key) if shared else {}) | _known(path, key)

    def _rewrite(self, needed: Iterable[Group]) -> None:
        """Without lines that were cut off, on which a next one would be stuck, and without what nobody needs."""
        names = {_name(group, each) for group in needed for each in group.completions}
        self.known = {text: logps for text, logps in self.known.items() if text in names}
        kept = [{"text": text, "logps": logps} for text, logps in self.known.items()]
        making = self.path.with_suffix(".making")
        making.write_text("".join(json.dumps(line) + "\n" for line in [{"key": self.key}, *kept]), encoding="utf-8")
        making.replace(self.path)

    def of(self, group: Group) -> list[Tensor]:
        return [torch.tensor(self.known[_name(group, each)], device=self.device) for each in group.completions]

    def missing(self, groups: Iterable[Group]) -> list[Group]:
        return [group for group in groups if any(_name(group, each) not in self.known for each in group.completions)]

    def fill(self, model: Any, score: Score, groups: Sequence[Group], stop: Callable[[], bool]) -> None:
        """All that is missing, with the adapter off; less, if told to stop."""
        self._rewrite(groups)
        self._ask(model, score, groups, stop)
        if self.shared:
            self.shared.parent.mkdir(parents=True, exist_ok=True)
            making = self.shared.with_suffix(".making")
            shutil.copyfile(self.path, making)
            making.replace(self.shared)

    def _ask(self, model: Any, score: Score, groups: Sequence[Group], stop: Callable[[], bool]) -> None:
        with torch.no_grad(), model.disable_adapter(), self.path.open("a", encoding="utf-8") as file:
            for group in self.missing(groups):
                if stop():
                    return
                for each, logps in zip(group.completions, score(model, group).completions, strict=True):
                    self.known[_name(group, each)] = logps.tolist()
                    file.write(json.dumps({"text": _name(group, each), "logps": logps.tolist()}) + "\n")
                file.flush()


def _known(path: Path, key: str) -> dict[str, list[float]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if not lines or _told(lines[0]) != {"key": key}:
        return {}
    return {line["text"]: line["logps"] for line in map(_told, lines[1:]) if line}


def _told(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _name(group: Group, completion: Completion) -> str:
    return hashlib.sha256(json.dumps([group.prompt, completion.ids]).encode()).hexdigest()[:32]
