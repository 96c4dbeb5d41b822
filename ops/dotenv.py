"""Settings kept in `.env` beside the code: NAME=value lines. What the environment already says wins."""

import os
import re
from pathlib import Path

from ops.words import Refusal

LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")


def parse(text: str) -> dict[str, str]:
    """Blank lines and # lines are passed over; a value may stand in quotes; nothing is expanded."""
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise Refusal("bad_line", number=number)
        value = found["value"].strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[found["name"]] = value
    return values


def load(path: Path) -> None:
    if path.is_file():
        for name, value in parse(path.read_text(encoding="utf-8")).items():
            os.environ.setdefault(name, value)
