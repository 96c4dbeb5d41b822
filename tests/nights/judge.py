"""Stands in for training.judge: the verdict that the orders name."""

import json
import os
import sys
from pathlib import Path

from tests.nights.orders import orders_of, tell, wait

RANKING = {
    "reason": "ranking",
    "passed": True,
    "value": 0.21,
    "low": 0.05,
    "high": 0.37,
    "count": 40,
    "against": "base",
}


def main(folder: Path) -> int:
    base, orders = orders_of(folder)
    tell(base, f"judge {os.getpid()}")
    (base / "gate.json").write_bytes((folder / "gate.json").read_bytes())
    wait(orders.get("judge", 0), lambda: False)
    if code := orders.get("code"):
        return int(code)
    if orders.get("speechless"):
        return 0
    reasons = orders.get("reasons", [])
    verdict = {"passed": not reasons, "reasons": reasons, "scale": 1.0, "adapter": str(folder / "adapter")}
    making = folder / ".verdict.making"
    making.write_text(json.dumps(verdict | {"checks": [RANKING], "samples": []}), encoding="utf-8")
    making.replace(folder / "verdict.json")
    return int(bool(reasons))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
