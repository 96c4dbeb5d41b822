"""The own code of the engines that need a GPU: brought here, unpacked, and asked in a process of its own what it makes
of our requests.

The wheels are pinned by their sha256. Of SGLang and LMDeploy only the Python files are kept, so one wheel serves every
machine; nothing of theirs is installed. What their modules import and is not here is stubbed by name, in `inside`.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCES, WITH = HERE / "sources.txt", HERE / "sources-with.txt"
CACHE = Path(os.environ.get("BAILU_TEST_CACHE") or "~/.cache/bailu/tests")
ANYWHERE = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_34_x86_64"]
ANYWHERE += ["--platform=manylinux_2_28_x86_64"]


class NotBrought(RuntimeError):
    """The wheels are not here and cannot be fetched."""


def brought() -> Path:
    """The folder with `code` (theirs) and `site` (libraries); fetched once, into the cache of the house."""
    pins = hashlib.sha256(SOURCES.read_bytes() + WITH.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE.expanduser() / "engine-sources" / pins
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _bring(folder)
            (folder / "whole").touch()
    return folder


def _bring(folder: Path) -> None:
    wheels = folder / "wheels"
    _download(SOURCES, wheels / "code", ANYWHERE)
    _download(WITH, wheels / "site", [])
    for kind in ("code", "site"):
        for wheel in sorted((wheels / kind).glob("*.whl")):
            _unpack(wheel, folder / kind, python_only=kind == "code")
            wheel.unlink()


def _download(pins: Path, folder: Path, more: list[str]) -> None:
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *more]
    done = subprocess.run([*words, "-r", str(pins), "-d", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise NotBrought(f"pip cannot fetch {pins.name}: {done.stderr.strip().splitlines()[-1:]}")


def _unpack(wheel: Path, folder: Path, *, python_only: bool) -> None:
    with zipfile.ZipFile(wheel) as packed:
        wanted = [name for name in packed.namelist() if not python_only or name.endswith((".py", "METADATA"))]
        packed.extractall(folder, wanted)


class Source:
    """Their code in its own process; `ask` puts one question to it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, question: str, **about: Any) -> Any:
        """See the functions of that name in `inside`. What they raise is raised here as a `Refused`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"question": question, "about": about}) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError("the process with their code has ended; its words stand above")
        told = json.loads(said)
        if "refused" in told:
            raise Refused(told["refused"])
        return told["answer"]


class Refused(Exception):
    """Their code raised."""


@contextlib.contextmanager
def opened(kind: str) -> Iterator[Source]:
    """Their code, loaded: "sglang", "lmdeploy" or "peft"."""
    words = [sys.executable, "-m", "tests.engines.inside", kind, str(brought())]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Source(process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(20)
