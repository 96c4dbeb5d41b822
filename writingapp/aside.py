"""A module of ours run in a process of its own, at low priority and in a run's folder. It dies with us."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

LOOK = 0.5  # seconds between two looks
GRACE = 30.0  # seconds for it to end by itself once it was asked to

Look = Callable[[], None]


def run(module: str, given: Path, *, folder: Path, until: datetime, look: Look, out: Path | None = None) -> int:
    """To its end; the exit code. At `until` it is asked to stop, then made to; so it is when `look` raises.

    One at a time in a folder: what a killed parent left is waited for. `out` takes what it prints; else its log does.
    """
    argv = [sys.executable, "-m", "inference.tether", str(os.getpid()), "nice", "-n", "10"]
    with (
        _alone(folder, look) as lock,
        (folder / "log.txt").open("ab") as log,
        (out or folder / "log.txt").open("ab") as said,
    ):
        process = subprocess.Popen(
            [*argv, sys.executable, "-m", module, str(given)],
            cwd=settings.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=log,
            process_group=0,
            pass_fds=[lock],  # the lock is held until the last of them has ended, also where we die first
        )
        try:
            while process.poll() is None and timezone.now() < until:
                look()
                time.sleep(LOOK)
        finally:
            _stop(process)
    return process.returncode


@contextmanager
def _alone(folder: Path, look: Look) -> Iterator[int]:
    with (folder / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                look()
                time.sleep(LOOK)
        yield lock.fileno()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Cleanly, if it has not ended; whoever does not listen is killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
