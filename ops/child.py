"""A process that dies with its parent: asks the kernel for that, waits until it may begin, becomes the real program.

    python -m ops.child --pid-file FILE --parent-file FILE [--after HOST:PORT] [--signal TERM] -- COMMAND …

Without it a supervisor that is killed with -9 would leave its children behind, and they would hold the ports.
"""

import argparse
import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
REST = 2.0  # seconds between two starts of a program that cannot stay up
PATIENCE = 20.0  # seconds to wait for what it needs; then it starts and copes by itself


def die_with_parent(number: signal.Signals, parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)


def rest(pid_file: Path) -> None:
    """A program that was started a moment ago and is started again has failed: give what it lacks time to come."""
    if pid_file.exists():
        age = time.time() - pid_file.stat().st_mtime
        time.sleep(min(REST, max(0.0, REST - age)))
    pid_file.write_text(str(os.getpid()), encoding="utf-8")


def wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m ops.child")
    reader.add_argument("--pid-file", type=Path, required=True)
    reader.add_argument("--parent-file", type=Path, required=True)
    reader.add_argument("--after", default="")
    reader.add_argument("--signal", choices=["KILL", "TERM"], default="KILL")
    reader.add_argument("command", nargs="+")
    given = reader.parse_args()
    die_with_parent(signal.Signals[f"SIG{given.signal}"], int(given.parent_file.read_text(encoding="utf-8")))
    rest(given.pid_file)
    if given.after:
        wait_for(given.after)
    os.execvp(given.command[0], given.command)


if __name__ == "__main__":
    main()
