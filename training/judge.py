"""Measures what a run made, and says whether it may serve. The nightly school calls it; so may anybody.

    python -m training.judge RUN_FOLDER

RUN_FOLDER/gate.json says with what (see `Asked`); RUN_FOLDER/verdict.json is what came of it. The exit code: 0 passed,
1 refused, 2 nothing can be judged by such a file, 3 an engine failed, so that another try may do.

SIGTERM ends it at once and leaves nothing half-written; started again it goes on with what has not been measured.
"""

import argparse
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inference.engines import ENGINES
from training.config import BadRun, strictly
from training.gate import Limits
from training.launch import become


@dataclass(frozen=True, slots=True)
class Asked:
    """gate.json. Paths are absolute, or relative to the run's folder. Everything has a default."""

    engine: str = ""  # URL of a node that serves the base; it must be one that loads adapters, or there must be none
    kind: str = "vllm"  # of that node, see inference.engines
    key: str = ""
    model: str = ""  # the base's name there
    shared: str = ""  # a folder that the node reads at the same path: what is tried lies there meanwhile; empty: here
    gguf: str = ""  # without such a node: the file of the base, for a node of our own
    served_base: str = ""  # digest of what the nodes serve; empty: of the base folder that was made of `gguf`
    adapter: str = "adapter"
    serving: str = ""  # folder of the adapter that writes now; empty: the base does
    scales: tuple[float, ...] = (1.0, 0.5)  # strengths, in the order in which they are tried; the first that passes
    pairs_of: dict[str, int] = field(default_factory=dict)  # training pairs by writer
    writer_of: dict[str, str] = field(default_factory=dict)  # of each held-out inspiration
    canaries: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)  # of training.gate.Limits
    asks: int = 0  # how many of the fixed asks; 0: all
    draws: int = 2  # texts an ask
    cache: str = "measured"  # what models said; shared by nights, the base is measured once
    threads: int = 0
    niceness: int = 15


def read(folder: Path) -> Asked:
    """Raises BadRun."""
    told = strictly(folder / "gate.json", Asked)
    told |= {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    asked = Asked(**told)
    wrong = {
        "scales": not asked.scales or not all(0 < scale <= 1 for scale in asked.scales),
        "draws": asked.draws < 1,
        "asks": asked.asks < 0,
        "limits": not asked.limits.keys() <= {each.name for each in fields(Limits)},
        "engine": bool(asked.engine and asked.gguf),
        # It has to load adapters while it runs; for the others there is `gguf`.
        "kind": asked.kind not in ENGINES or not ENGINES[asked.kind].traits.loads,
    }
    for name, bad in wrong.items():
        if bad:
            raise BadRun(f"gate.json: {name} cannot be {getattr(asked, name)!r}")
    return asked


def main(argv: list[str] | None = None) -> Any:
    """Returns only if nothing could be started: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.judge", description="Judge the adapter of a run.")
    parser.add_argument("folder", type=Path, help="with config.json, data.jsonl, adapter/ and gate.json")
    folder: Path = parser.parse_args(argv).folder
    try:
        asked = read(folder)
    except BadRun as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    return become("training.judging", folder, threads=asked.threads, niceness=asked.niceness)


if __name__ == "__main__":
    sys.exit(main())
