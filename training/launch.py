"""Starts a run as it should run: offline, silent to the world, polite to its neighbours, on so many threads.

    python -m training.launch RUN_FOLDER

This process becomes the training, under the same number: SIGTERM stops it cleanly, and a second start goes on where the
first one stood. On several GPUs: `torchrun --nproc-per-node 2 -m training.trainer RUN_FOLDER`.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from inference.embedded import SPINS
from training.config import BadRun, read

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def environment(threads: int) -> dict[str, str]:
    """Threads are told before torch is loaded, or its pools have their size already. 0: as torch likes.

    A thread that spins while another one waits for its turn behind the house's work made small steps 36 times slower.
    """
    pools = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return QUIET | {"GOMP_SPINCOUNT": SPINS} | (pools if threads else {})


def become(module: str, folder: Path, *, threads: int, niceness: int) -> NoReturn:
    """Be that module, at its work in that folder."""
    os.nice(niceness)
    os.environ.update(environment(threads))
    os.execv(sys.executable, [sys.executable, "-m", module, str(folder)])  # noqa: S606 (our own argv)


def main(argv: list[str] | None = None) -> int:
    """Returns only if nothing could be started: the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.launch", description="Train the adapter of a run.")
    parser.add_argument("folder", type=Path, help="with config.json and data.jsonl")
    folder: Path = parser.parse_args(argv).folder
    try:
        config = read(folder)
    except BadRun as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    become("training.trainer", folder, threads=config.threads, niceness=config.niceness)


if __name__ == "__main__":
    sys.exit(main())
