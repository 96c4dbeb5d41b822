"""What a run tells while it goes: a bar with the time left in a terminal, quiet lines elsewhere, `progress.jsonl`."""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

QUIET = 30.0  # seconds between lines where nobody watches


class Figures:
    """Weighted means of what groups told."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}

    def add(self, figures: Mapping[str, tuple[float, float]]) -> None:
        for name, (total, weight) in figures.items():
            before = self.sums.get(name, (0.0, 0.0))
            self.sums[name] = before[0] + total, before[1] + weight

    @classmethod
    def of_all(cls, everybody: Iterable["Figures"]) -> "Figures":
        """Those of several processes as if one had seen it all."""
        together = cls()
        for figures in everybody:
            together.add(figures.sums)
        return together

    def means(self) -> dict[str, float]:
        return {name: total / weight for name, (total, weight) in self.sums.items() if weight}


class Progress:
    """One line a step in `progress.jsonl`; lines of steps that a resumed run does again are forgotten."""

    def __init__(self, folder: Path, done: int, planned: int, finish_by: float, *, told: bool = True) -> None:
        self.path, self.told = folder / "progress.jsonl", told
        self.done, self.planned, self.finish_by = done, planned, finish_by
        self.began, self.first, self.spoke = time.monotonic(), done, 0.0
        if told:
            self._forget_after(done)
        self.bar = tqdm(
            total=planned, initial=done, desc=folder.name, unit="step", disable=not (told and sys.stderr.isatty())
        )

    def _forget_after(self, done: int) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if done and _step(line) <= done]
        making = self.path.with_suffix(".making")
        making.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        making.replace(self.path)

    @property
    def a_step(self) -> float:
        """Seconds, by what was seen; 0 before the first."""
        return (time.monotonic() - self.began) / (self.done - self.first) if self.done > self.first else 0.0

    def left(self) -> float:
        """Seconds, to the last step or to the deadline, whichever is nearer."""
        work = self.a_step * (self.planned - self.done)
        return min(work, max(0.0, self.finish_by - time.time())) if self.finish_by else work

    def step(self, figures: Mapping[str, float]) -> None:
        self.done += 1
        self._write({"step": self.done, "planned": self.planned, **figures, "seconds_left": round(self.left(), 1)})
        self.bar.set_postfix({name: f"{figures[name]:.3f}" for name in ("loss", "margin") if name in figures})
        self.bar.update()

    def held_out(self, figures: Mapping[str, float]) -> None:
        """Measured between steps, on groups that are not learnt from."""
        if figures:
            self._write({"step": self.done, "held_out": dict(figures)})

    def _write(self, line: dict[str, Any]) -> None:
        if not self.told:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if not sys.stderr.isatty() and time.monotonic() - self.spoke > QUIET:
            self.spoke = time.monotonic()
            say(f"step {self.done} of {self.planned}, {self.left() / 60:.0f} min left")

    def close(self) -> None:
        self.bar.close()


def _step(line: str) -> int:
    """Of a line cut off by a kill: a step that never was."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return sys.maxsize


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    """It appears whole or not at all."""
    making = path.with_name(f".{path.name}.making")
    with making.open("w", encoding="utf-8") as file:
        file.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
