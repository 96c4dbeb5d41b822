"""Lines as they are compared: in simplified characters, whichever script they were written in."""

from functools import cache
from importlib import resources


def fold(text: str) -> str:
    """Every traditional character as the simplified one it is today; the number of characters stays."""
    return text.translate(_simple())


@cache
def _simple() -> dict[int, int]:
    text = (resources.files("inference.verse") / "data" / "simple.txt").read_text("utf-8")
    traditional, simple = (row for row in text.splitlines() if not row.startswith("#"))
    return str.maketrans(traditional, simple)
