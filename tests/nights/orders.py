"""What the stand-ins for training and judging are told: `orders.json` in the base's folder; and what they tell."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def orders_of(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The base's folder, and the orders that lie in it."""
    base = Path(json.loads((folder / "config.json").read_text(encoding="utf-8"))["base"])
    path = base / "orders.json"
    return base, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def give(base: Path, **orders: Any) -> Path:
    base.mkdir(exist_ok=True)
    (base / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
    return base


def tell(base: Path, word: str) -> None:
    """A line that survives whoever writes it."""
    with (base / "told.txt").open("a", encoding="utf-8") as file:
        file.write(word + "\n")


def told(base: Path) -> list[str]:
    path = base / "told.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def wait(seconds: float, stop: Callable[[], bool]) -> bool:
    """False when it was stopped before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if stop():
            return False
        time.sleep(0.02)
    return True
