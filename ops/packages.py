"""The virtual environment and what pip puts into it: done once, and again when a requirements file changes."""

from __future__ import annotations  # Python 3.8 reads this file

import hashlib
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from inference.models.words import amount
from ops.pythons import fits, inside, version_of
from ops.words import Refusal, sentence

BARE = 50 * 10**6  # bytes of an environment with nothing but pip
TAKES = re.compile(r"^# takes (\d+) MB", re.MULTILINE)  # in a requirements file, with what pip unpacks beside it
OFFLINE = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Name or service not known",
    "name resolution",
    "Network is unreachable",
    "Connection refused",
    "nodename nor servname",
)
FULL = ("No space left on device", "Disk quota exceeded")


def make_venv(venv: Path, python: str) -> None:
    """A working environment in `venv`; one that is broken or of a Python that no longer fits is made anew."""
    if (venv / "bin" / "python").exists():
        version = version_of(inside(venv), needs="pip")
        if version and fits(version):
            return
        shutil.rmtree(venv)
    version = version_of(python) or "3"
    print(sentence("making_venv", version=version, place=venv.name), flush=True)
    made = subprocess.run(
        [python, "-m", "venv", str(venv)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        if any(mark in made.stdout.decode(errors="replace") for mark in FULL):
            raise no_room(venv.parent, BARE)
        raise Refusal("no_venv", version=".".join(version.split(".")[:2]))


def no_room(folder: Path, need: int) -> Refusal:
    return Refusal("disk_full", folder=folder, free=amount(shutil.disk_usage(str(folder)).free), need=amount(need))


def included(requirements: Path) -> list[Path]:
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [requirements.parent / line[3:].strip() for line in lines if line.startswith("-r ")]


def stamp_of(requirements: Path) -> str:
    """A hash over a requirements file and those it includes."""
    inner = "".join(map(stamp_of, included(requirements)))
    return hashlib.sha256((inner + requirements.read_text(encoding="utf-8")).encode()).hexdigest()


def stamp_in(venv: Path, requirements: Path) -> Path:
    return venv / ("installed-" + requirements.name)


def installed(venv: Path, requirements: Path) -> bool:
    stamp = stamp_in(venv, requirements)
    return stamp.exists() and stamp.read_text(encoding="utf-8") == stamp_of(requirements)


def room_for(venv: Path, requirements: Path) -> int:
    """Bytes that a requirements file says it takes, with what the files it includes take that are not installed."""
    said = TAKES.search(requirements.read_text(encoding="utf-8"))
    others = [each for each in included(requirements) if not installed(venv, each)]
    return (int(said.group(1)) * 10**6 if said else 0) + sum(room_for(venv, each) for each in others)


def install(venv: Path, requirements: Path, *, alone: bool = False) -> None:
    """Install a requirements file, unless the stamp says that it is installed; `alone` is without what that needs."""
    if installed(venv, requirements):
        return
    room = room_for(venv, requirements)
    if shutil.disk_usage(str(venv)).free < room:
        raise no_room(venv, room)
    print(sentence("installing", files=requirements.name), flush=True)
    began = time.monotonic()
    _pip(venv, requirements, ["--no-deps"] if alone else [])
    for each in (requirements, *included(requirements)):
        stamp_in(venv, each).write_text(stamp_of(each), encoding="utf-8")
    print(sentence("installed", seconds=round(time.monotonic() - began)), flush=True)


def _pip(venv: Path, requirements: Path, options: list[str]) -> None:
    """Run pip with its own configuration, one line of progress for its hundreds."""
    log = venv / "pip.log"
    command = [inside(venv), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *options, "-r", str(requirements)]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        with log.open("w", encoding="utf-8") as kept:
            said = _follow(pip, kept.write)
    except BaseException:
        pip.kill()
        pip.wait()
        raise
    if pip.wait() == 0:
        return
    if any(mark in line for line in said for mark in FULL):
        raise no_room(venv, room_for(venv, requirements))
    if any(mark in line for line in said for mark in OFFLINE):
        raise Refusal("pip_offline", log=log)
    errors = [line.replace("ERROR:", "").strip() for line in said if "ERROR" in line] or said or ["?"]
    raise Refusal("pip_failed", why=errors[0][:300], log=log)


def _follow(pip: subprocess.Popen[bytes], keep: Callable[[str], object]) -> list[str]:
    """Read what pip says to its end, and show on a terminal that it is alive."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.put(line.decode(errors="replace"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    said: list[str] = []
    began, shown = time.monotonic(), sys.stdout.isatty()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            line = ""
        if line is None:
            break
        if line:
            said.append(line.strip())
            keep(line)
        if shown:
            count = sum(text.startswith("Collecting ") for text in said)
            seconds = round(time.monotonic() - began)
            print("\r" + sentence("installing_now", count=count, seconds=seconds), end="\x1b[K", flush=True)
    if shown:
        print("\r\x1b[K", end="", flush=True)
    return said
