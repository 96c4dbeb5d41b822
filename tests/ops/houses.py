"""Starts little houses for the tests and tells what is left of them."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from ops.house import ROOT

PATIENCE = 40.0  # seconds until a wait is a failure; never a measure of speed


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now; held together while they are chosen, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def until(true: object, what: str) -> None:
    """Wait for a condition of the outside world, which cannot tell us itself."""
    assert callable(true)
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process still runs; one that only waits to be buried does not."""
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class LittleHouse:
    """A house in a process of its own, and what it has said."""

    def __init__(self, folder: Path, stdin: int = subprocess.DEVNULL) -> None:
        self.folder = folder
        self.ports = free_ports(3)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ops.little_house", str(folder), *map(str, self.ports)],
            cwd=ROOT,
            env={**os.environ, "LC_ALL": "C"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self.said: list[str] = []
        self._new: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def hear(self, pattern: str) -> str:
        """Wait until a line that fits is said, and return it."""
        while True:
            line = self._new.get(timeout=PATIENCE)
            assert line is not None, f"it ended without saying {pattern!r}: {self.said}"
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def pid(self, name: str) -> int:
        return int((self.folder / "run" / f"{name}.pid").read_text(encoding="utf-8") or 0)

    def everybody(self) -> list[int]:
        """Every process of the house's session: supervisor, programs, and their children."""
        session = self.pid("supervisor")
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == session:
                    found.append(process.pid)
            except ProcessLookupError:
                continue
        return found

    def clear(self) -> None:
        """Nothing of a failed test may outlive it."""
        for pid in [*self.everybody(), self.process.pid]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
