"""An engine as a child process: started in a group of its own, watched, ended as a whole. It dies with its parent."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from inference.engines import engine
from inference.engines.base import Plan

LOG_MOST = 5 << 20  # bytes; then the log begins anew, and the one before is kept beside it
LOOK = 0.1  # seconds


class Child:
    """One started node. Start it on a thread that lives as long as this process."""

    def __init__(self, kind: str, plan: Plan, log: Path) -> None:
        self.url = f"http://{plan.host}:{plan.port}"
        self.plan = plan
        self._log = log
        launch = engine(kind).launch(plan)
        self.ready_within = launch.ready_within
        self.began = time.monotonic()
        self.ready_at: float | None = None
        self.answered_at = self.began
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        argv = [sys.executable, "-m", "inference.tether", str(os.getpid()), *launch.argv]
        with log.open("ab") as out:  # its place is the end, wherever the end is, so `bound_log` may cut it
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | dict(launch.environment),
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def fell(self) -> str:
        """How it ended; empty while it runs."""
        code = self._process.poll()
        if code is None:
            return ""
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def note(self, *, ready: bool) -> None:
        """What was just seen of its health."""
        now = time.monotonic()
        if ready:
            self.answered_at = now
            self.ready_at = self.ready_at or now

    @property
    def silent(self) -> float:
        """Seconds since it was last ready."""
        return time.monotonic() - self.answered_at

    @property
    def late(self) -> bool:
        """Whether it should have been ready by now and never was."""
        return self.ready_at is None and self.silent > self.ready_within

    @property
    def stayed(self) -> float:
        """Seconds that it has been of use."""
        return time.monotonic() - self.ready_at if self.ready_at else 0.0

    def memory(self) -> int:
        """Bytes that it holds with its own children, shared ones counted for each."""
        return sum(_resident(process) for process in self._family())

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            above = psutil.Process(self.pid)
            return [above, *above.children(recursive=True)]
        return []

    async def stop(self, patience: float) -> None:
        """Ask it to end; after `patience` seconds end it, and whatever is left of its group."""
        self._send(signal.SIGTERM)
        until = time.monotonic() + patience
        while not self.fell and time.monotonic() < until:  # noqa: ASYNC110 - its end sets no event of ours
            await asyncio.sleep(LOOK)
        self.kill()

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def bound_log(self) -> None:
        if self._log.stat().st_size > LOG_MOST:
            shutil.copyfile(self._log, self._log.with_name(f"{self._log.name}.1"))
            os.truncate(self._log, 0)


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def free_port() -> int:
    """A port of this machine that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)  # two may bind one port as long as neither listens
        except OSError:
            return False
    return True


def room() -> int:
    """Bytes of memory that could be had without pushing anything out."""
    memory: Any = psutil.virtual_memory()
    return int(memory.available)
