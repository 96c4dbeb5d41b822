"""A run's folder: what training and judging are given there, what they leave, and what is not kept afterwards."""

import json
import shutil
from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from writingapp.models import TrainingRun

# Writers' words, what follows from them, a key, and weights: those of an adapter that passed lie in the registry.
PASSING = ("data.jsonl", "frozen.*", "checkpoint", "gate.json", "adapter*", ".*")  # the last: halves of a kill

MEASURED = "measured"  # what judges keep there between nights
UNREAD = timedelta(days=3)  # what no judge has told of for so long is of an adapter that was refused, or is retired

IMPORTING = "import-"  # how the folders begin that imports make for themselves
LONGEST_IMPORT = timedelta(days=2)


def folder_of(run: TrainingRun) -> Path:
    """Only its owner may look inside."""
    folder: Path = settings.RUNS / str(run.pk)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def give(folder: Path, config: Mapping[str, Any], groups: Iterable[Mapping[str, Any]]) -> None:
    """What `training.launch` reads."""
    lines = (json.dumps(group, ensure_ascii=False) + "\n" for group in groups)
    _put(folder / "data.jsonl", "".join(lines))
    give_json(folder / "config.json", config)


def give_json(path: Path, said: Mapping[str, Any]) -> None:
    _put(path, json.dumps(said, ensure_ascii=False, indent=2) + "\n")


def _put(path: Path, text: str) -> None:
    """It appears whole or not at all."""
    making = path.with_name(f".{path.name}.making")
    making.write_text(text, encoding="utf-8")
    making.chmod(0o600)
    making.replace(path)


def told(path: Path) -> dict[str, Any]:
    """What a file says; nothing, where there is none or it says nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_told(path: Path) -> dict[str, Any]:
    """The last whole line of a file of JSON lines; a kill may have cut off the one after it."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return {}
    for line in reversed(lines):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        return found if isinstance(found, dict) else {}
    return {}


def knobs(words: Iterable[str]) -> dict[str, Any]:
    """`rank=16 method=dpo` as training.config reads them, which knows the names and refuses what is odd."""
    said: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            said[name] = json.loads(value)
        except ValueError:
            said[name] = value  # a word
    return said


def tidy(folder: Path) -> None:
    """Once a run has ended nobody's words stay in its folder; their digest does, in the manifest."""
    for path in [path for pattern in PASSING for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def tidy_all(*, but: Set[str], before: datetime) -> None:
    """Every run's folder but of those at work; what imports left that were killed goes whole.

    So does, while nobody judges, what adapters wrote for a judge and none has told of for long.
    """
    for folder in settings.RUNS.glob("*-*-*-*-*"):
        if folder.name not in but:
            tidy(folder)
    for folder in settings.RUNS.glob(f"{IMPORTING}*"):
        if folder.stat().st_mtime < (before - LONGEST_IMPORT).timestamp():
            shutil.rmtree(folder, ignore_errors=True)
    if but or any(settings.RUNS.glob(f"{IMPORTING}*")):
        return
    for file in (settings.RUNS / MEASURED).glob("texts-*"):
        if file.stat().st_mtime < (before - UNREAD).timestamp():
            file.unlink(missing_ok=True)
