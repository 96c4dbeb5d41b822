"""Stands in for training.launch: the same folder, an adapter of the same kind, and no model."""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.nights.orders import orders_of, tell, wait
from tests.tiny_adapter import tiny_adapter


def main(folder: Path) -> int:
    base, orders = orders_of(folder)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    tell(base, f"train {os.getpid()}")
    if orders.get("fails"):
        _say(folder, "outcome", {"state": "failed", "why": orders["fails"]})
        return 1
    if not wait(orders.get("train", 0), lambda: bool(stopped)):
        _say(folder, "outcome", {"state": "stopped", "why": "terminated", "steps": 1, "planned": 3, "adapter": None})
        tell(base, f"stopped {os.getpid()}")
        return 1
    data = (folder / "data.jsonl").read_bytes()
    _say(folder, "manifest", {"digests": {"base": "b" * 64}, "counts": {}})
    tell(base, f"save {os.getpid()}")
    shutil.rmtree(folder / ".adapter.making", ignore_errors=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    seed = int.from_bytes(hashlib.sha256(data).digest()[:4]) + config["seed"]
    made = tiny_adapter(folder / ".adapter.making", seed=seed)
    wait(orders.get("save", 0), lambda: False)
    shutil.rmtree(folder / "adapter", ignore_errors=True)
    made.rename(folder / "adapter")
    _say(folder, "outcome", {"state": "done", "why": "all_steps", "steps": 3, "planned": 3, "adapter": "last"})
    tell(base, f"trained {os.getpid()}")
    return 0


def _say(folder: Path, name: str, said: dict[str, object]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
