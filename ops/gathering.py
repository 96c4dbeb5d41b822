"""The index of all poems, made beside a running house the first time; nobody waits for it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from inference.verse.known import index_path
from ops.running import say
from ops.supervision import Places
from ops.words import sentence

STOP_SECONDS = 5


@contextmanager
def gathering(places: Places, *, wanted: bool) -> Iterator[None]:
    """Fetch and build if the index is not there. What has arrived when the house stops is kept for the next start."""
    if not wanted or index_path().exists():
        yield
        return
    log = places.logs / "poems.log"
    say(sentence("gathering", log=log))
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference.corpus"],
            cwd=places.root,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
