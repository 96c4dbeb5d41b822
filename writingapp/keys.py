"""Keys of the engines' nodes. A row names its key and never holds it: rows are copied, shown and backed up."""

import re

from django.conf import settings

from writingapp import env

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


def key(name: str) -> str:
    """The key of that name: the environment variable, else the file in DATA_DIR/keys, else nothing.

    A file is read each time, so a node may be added with a new key while the house runs.
    """
    if not NAME.fullmatch(name):
        return ""
    said = env.text(name)
    if said:
        return said
    try:
        return str((settings.KEYS / name).read_text(encoding="utf-8").strip())
    except OSError:
        return ""
