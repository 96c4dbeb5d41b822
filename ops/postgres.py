"""A PostgreSQL cluster of its own for one test run: private folder, free port, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps them off the PATH, one folder a version."""
    newest = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if newest:
        return newest[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found and shutil.which("pg_ctl") else None


def _account() -> tuple[int, int] | None:
    """Whom to become: PostgreSQL refuses to run as root, so root becomes `postgres`."""
    if os.getuid() != 0:
        return None
    postgres = pwd.getpwnam("postgres")
    return postgres.pw_uid, postgres.pw_gid


def _do(command: list[str], folder: Path) -> None:
    user, group = _account() or (None, None)
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=user,
        group=group,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stdout}")


@contextlib.contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """Start one, and yield its DATABASE_URL."""
    with tempfile.TemporaryDirectory(prefix="bailu-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        data = folder / "data"
        account = _account()
        if account is not None:
            os.chown(folder, *account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
        trust = ["-U", "bailu", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        _do([str(programs / "initdb"), "-D", str(data), *trust], folder)
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        # pg_ctl's child keeps our pipe open unless it has a log of its own
        _do([*control, "-l", str(data / "log"), "-o", settings, "start"], folder)
        try:
            yield f"postgres://bailu@127.0.0.1:{port}/postgres"
        finally:
            _do([*control, "-m", "immediate", "stop"], folder)
