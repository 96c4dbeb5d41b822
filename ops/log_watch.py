"""Brings the errors in the logs to the terminal: the line that says ERROR, once; the rest stays in the log."""

import re
from pathlib import Path

ERROR = re.compile(r"(?:^|\s)(?:ERROR|CRITICAL|\[ERROR\])[\s:/]")
STAMP = re.compile(r"^\[?\d{4}-\d\d-\d\d[ T][\d:,.+]+:?\s*")
LONGEST = 200


class LogWatch:
    """Follows growing files; each call of `errors` tells what is new since the last."""

    def __init__(self, logs: list[Path]) -> None:
        self._at = {log: log.stat().st_size if log.exists() else 0 for log in logs}
        self._told: set[tuple[str, str]] = set()

    def errors(self) -> list[str]:
        found = []
        for log, at in self._at.items():
            for line in self._new_lines(log, at):
                bare = STAMP.sub("", line)[:LONGEST]
                if ERROR.search(line) and (log.name, bare) not in self._told:
                    self._told.add((log.name, bare))
                    found.append(f"{log.stem}: {bare}")
        return found

    def _new_lines(self, log: Path, at: int) -> list[str]:
        if not log.exists():
            return []
        size = log.stat().st_size
        if size < at:  # it was rotated
            at = 0
        with log.open("rb") as file:
            file.seek(at)
            whole = file.read(size - at).rpartition(b"\n")[0]  # a half-written line waits for its end
        self._at[log] = at + (len(whole) + 1 if whole else 0)
        return whole.decode(errors="replace").splitlines()
