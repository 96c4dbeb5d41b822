"""Becomes a program that is killed when the process that started it dies, even by a kill -9.

    python -m inference.tether PARENT PROGRAM …

On Linux it is the *thread* that started us whose end counts.
"""

import ctypes
import os
import signal
import sys

SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def main(parent: str, *program: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked
        sys.exit(0)
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
