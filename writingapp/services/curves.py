"""The curves of a run, from the lines that training leaves in its folder: numbers by step, and nothing else."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from writingapp.models import TrainingRun

MOST = 4 * 1024 * 1024  # bytes read, from the end: 20,000 steps
POINTS = 240  # that are drawn of a figure; a chart is 320 wide
Points = list[tuple[int, float]]


@dataclass(slots=True)
class Curves:
    """By figure: what each step told, and what was measured on held-out groups."""

    step: int = 0
    planned: int = 0
    seconds_left: float | None = None
    learnt: dict[str, Points] = field(default_factory=lambda: defaultdict(list))
    held_out: dict[str, Points] = field(default_factory=lambda: defaultdict(list))


def read(run: TrainingRun) -> Curves:
    """What has been told so far; nothing, where no training has begun."""
    curves = Curves()
    for line in _lines(settings.RUNS / str(run.pk) / "progress.jsonl"):
        step = line.get("step")
        if not isinstance(step, int):
            continue
        if isinstance(line.get("held_out"), dict):
            _add(curves.held_out, step, line["held_out"])
        else:
            curves.step, curves.planned = step, _whole(line.get("planned"))
            curves.seconds_left = _number(line.get("seconds_left"))
            _add(curves.learnt, step, line)
    for name, points in curves.learnt.items():
        curves.learnt[name] = _thinned(points)
    return curves


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines only: the first may be cut by our own limit, the last by a step that is being written."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _add(figures: dict[str, Points], step: int, told: dict[str, Any]) -> None:
    for name, value in told.items():
        number = _number(value)
        if number is not None:
            figures[name].append((step, number))


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None  # type: ignore[arg-type]


def _whole(value: object) -> int:
    return int(_number(value) or 0)


def _thinned(points: Points) -> Points:
    """Evenly, and always with the newest."""
    stride = max(1, -(-len(points) // POINTS))
    return points[::-stride][::-1]
