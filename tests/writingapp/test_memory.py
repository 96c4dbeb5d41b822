"""A full search for garbage holds up every frame: a process that serves makes few, and still makes them."""

import subprocess
import sys

import pytest

COUNT = """
import gc
from writingapp import memory
memory.settle()
full = []
gc.callbacks.append(lambda phase, said: full.append(1) if phase == "stop" and said["generation"] == 2 else None)

class Closed:
    def __init__(self):
        self.itself = self

def open_and_close(many):
    for _ in range(many):
        Closed()  # young garbage goes by itself

def keep(many):
    return [[] for _ in range(many)]

open_and_close(100_000)
sockets = keep({kept})
print(len(full), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(("kept", "full"), [(500_000, 0), (1_500_000, 1)])
def test_a_full_search_comes_after_many_objects_that_stay(kept: int, full: int) -> None:
    """Python's own measure makes a dozen of them while half a million objects come."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT.replace("{kept}", str(kept))], capture_output=True, text=True, check=True
    )
    searched, frozen = done.stdout.split()
    assert (int(searched) > 0, frozen) == (bool(full), "True")
