"""Follows the log files of a running house, and brings their errors to the terminal."""

import re
from pathlib import Path

ERROR = re.compile(r"(?:^|\s)(?:ERROR|CRITICAL|\[ERROR\])[\s:/]")
STAMP = re.compile(r"^\[?\d{4}-\d\d-\d\d[ T][\d:,.+]+:?\s*")
LONGEST = 200


class Tail:
    """A growing file; each call of `lines` tells what is new since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        if not self._path.exists():
            return []
        size = self._path.stat().st_size
        if size < self._at:  # it was rotated
            self._at = 0
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole = file.read(size - self._at).rpartition(b"\n")[0]  # a half-written line waits for its end
        self._at += len(whole) + 1 if whole else 0
        return whole.decode(errors="replace").splitlines()


class LogWatch:
    """The errors in some logs: the line that says ERROR, once; what follows it stays in the file."""

    def __init__(self, logs: list[Path]) -> None:
        self._tails = {log.stem: Tail(log) for log in logs}
        self._told: set[tuple[str, str]] = set()

    def errors(self) -> list[str]:
        found = []
        for name, tail in self._tails.items():
            for line in tail.lines():
                bare = STAMP.sub("", line)[:LONGEST]
                if ERROR.search(line) and (name, bare) not in self._told:
                    self._told.add((name, bare))
                    found.append(f"{name}: {bare}")
        return found
