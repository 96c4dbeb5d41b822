"""Which Python the house may run on, and where one is."""

from __future__ import annotations  # Python 3.8 reads this file

import shutil
import subprocess
import sys
from pathlib import Path

from ops.words import Refusal

FITTING = ("3.11", "3.12", "3.13")


def fits(version: str) -> bool:
    return ".".join(version.split(".")[:2]) in FITTING


def version_of(python: str, needs: str = "platform") -> str | None:
    """What a Python says its version is; None if it does not run (a mere shim), or lacks a module."""
    ask = [python, "-c", "import platform, " + needs + "; print(platform.python_version())"]
    try:
        answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def choose(found: str) -> str:
    """This Python if it fits, else the first fitting one on the PATH."""
    if fits(found):
        return sys.executable
    for minor in FITTING:
        python = shutil.which("python" + minor)
        version = version_of(python) if python else None
        if python and version and fits(version):
            return python
    raise Refusal("wrong_python", found=found)


def inside(venv: Path) -> str:
    return str(venv / "bin" / "python")
