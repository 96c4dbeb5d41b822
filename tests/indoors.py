"""A process inside a house that does what tests say in the house's own terms, so that no word of theirs costs a start.

    python -m tests.indoors

It reads Python, a JSON string a line, and answers each with what that printed, or how it failed.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from threading import Lock

import django
from django.db import connections

from tests.processes import ROOT, Process, python


class Indoors(Process):
    """It starts with the first word, and holds no connection to the database between two."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._turn = Lock()
        super().__init__(python("-m", "tests.indoors"), env=env, log=log)

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.argv,
                env=os.environ | self.env,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                start_new_session=True,
            )

    def run(self, code: str) -> str:
        """What the code printed. Raises AssertionError with its traceback."""
        assert self.popen.stdin
        assert self.popen.stdout
        with self._turn:
            self.popen.stdin.write(json.dumps(code).encode() + b"\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        said: str
        said, fault = json.loads(line)
        assert not fault, fault
        return said


def answer(code: str) -> tuple[str, str]:
    """(what it printed, how it failed)"""
    said, fault = io.StringIO(), ""
    with contextlib.redirect_stdout(said):
        try:
            exec(code, {"__name__": "indoors"})
        except Exception:
            fault = traceback.format_exc()
        finally:
            connections.close_all()
    return said.getvalue(), fault


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "writingapp.settings")
    django.setup()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
