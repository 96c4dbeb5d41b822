"""How far an embedded engine has loaded, seen from outside.

llama.cpp tells nobody, and its process holds Python's lock meanwhile. But its memory grows from nothing to a size that
the model file foretells, and its command line says which file and which port are its own. So nothing has to be written
down anywhere, and nothing can be stale.
"""

from pathlib import Path
from urllib.parse import urlsplit

import psutil

MODULE = "inference.embedded"
GROWTH = 1.7  # resident memory of a loaded engine over the size of its file: mapped weights, and some of them repacked


def progress(url: str) -> float | None:
    """From 0 to 1 for the embedded engine that serves `url`, or None if it is none of this machine's processes."""
    port = urlsplit(url).port
    shares = [share for process in psutil.process_iter() if (share := _share(process, str(port))) is not None]
    return max(shares, default=None)


def _share(process: psutil.Process, port: str) -> float | None:
    try:
        words = process.cmdline()
        if MODULE not in words or _after("--port", words) != port:
            return None
        size = (Path(process.cwd()) / _after("--model", words)).stat().st_size
        resident: int = process.memory_info().rss
        return min(0.99, resident / (size * GROWTH))
    except (psutil.Error, OSError, ZeroDivisionError):
        return None


def _after(option: str, words: list[str]) -> str:
    """The value of an option as it stands on a command line."""
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return value
        if word.startswith(option + "="):
            return word[len(option) + 1 :]
    return ""
