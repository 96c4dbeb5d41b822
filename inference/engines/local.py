"""Engines of other projects as processes of this machine: how to start one with a key, and whether one is starting."""

from itertools import pairwise
from urllib.parse import urlsplit

import psutil

from inference.engines.base import Launch, Plan

# A command line is for everybody to read, an environment is not; and what the engine itself starts inherits neither.
_KEYED = (
    "import os, runpy, sys; sys.argv += [{option!r}, os.environ.pop('ENGINE_KEY')]; "
    "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def launch(plan: Plan, module: str, words: list[str], key_option: str) -> Launch:
    """How to start `python -m module words`, for engines that take their key by an option only."""
    if not plan.key:
        return Launch((str(plan.python), "-m", module, *words))
    code = _KEYED.format(option=key_option, module=module)
    return Launch((str(plan.python), "-c", code, *words), {"ENGINE_KEY": plan.key})


def starting(module: str, port_option: str, url: str) -> bool:
    """Whether a process of this machine runs `module` for the port of `url`, listening or not."""
    port = str(urlsplit(url).port)
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except (psutil.Error, OSError):
            continue
        if (port_option, port) in pairwise(words) and any(module in word for word in words):
            return True
    return False
