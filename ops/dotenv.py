"""Settings kept in `.env` beside the code: NAME=value lines. What the environment already says wins."""

import os
import re
from pathlib import Path

from ops.words import Refusal

LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
QUOTED = re.compile(r"(?P<quote>[\"'])(?P<value>.*?)(?P=quote)(?:\s+#.*)?")
COMMENT = re.compile(r"(?:^|\s+)#.*")


def parse(text: str) -> dict[str, str]:
    """Blank lines are passed over, and what comes after a # that begins a line or a word, but not in quotes.

    Nothing is expanded.
    """
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise Refusal("bad_line", number=number)
        values[found["name"]] = _bare(found["value"])
    return values


def _bare(value: str) -> str:
    quoted = QUOTED.fullmatch(value)
    return quoted["value"] if quoted else COMMENT.sub("", value).strip()


def load(path: Path) -> None:
    if path.is_file():
        for name, value in parse(path.read_text(encoding="utf-8")).items():
            os.environ.setdefault(name, value)
