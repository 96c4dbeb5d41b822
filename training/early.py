"""When a run ends before its last step: what is held out gets no better, or the adapter has left the base too far.

What it knows it reads from `progress.jsonl`, so that a resumed run decides as the first one would have. The best
adapter lies in `checkpoint/best.pt`.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from training.config import Config

BEST = "checkpoint/best.pt"


class Early:
    """The held-out losses so far."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.config = config
        self.best, self.best_step, self.looked, self.since = math.inf, 0, 0, 0
        path = folder / "progress.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.kl = 0.0  # of the last step
        for told in map(json.loads, lines):
            if "held_out" in told:
                self.better(told["step"], told["held_out"])
            self.kl = told.get("kl", self.kl)

    def due(self, step: int) -> bool:
        return bool(self.config.measure_every) and step % self.config.measure_every == 0

    def better(self, step: int, held_out: Mapping[str, float]) -> bool:
        """Note a look; whether it is the best one. Before the first step there is no adapter, and the last look is told
        once more when a run ends.
        """
        if step <= self.looked:
            return False
        loss, self.looked = held_out.get("loss", math.inf), step
        if loss < self.best:
            self.best, self.best_step, self.since = loss, step, 0
            return True
        self.since += 1
        return False

    def why(self, figures: Mapping[str, float]) -> str:
        """The reason to stop now, after a step with these figures; empty if there is none."""
        self.kl = figures.get("kl", self.kl)
        if self.config.kl_most and self.kl > self.config.kl_most:
            return "far"
        return "no_better" if self.config.patience and self.since >= self.config.patience else ""
