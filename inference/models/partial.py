"""A file on its way: written from front to back, hashed as it grows, named by its final name only when it is proved."""

import errno
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from inference.models.catalogue import ModelFile
from inference.models.trouble import SupplyError
from inference.models.words import amount

CHUNK = 1 << 20
MARGIN = 64 << 20  # bytes left over for everything else on the disk


class TooLong(Exception):
    """A source sends more bytes than the file has."""


class Partial:
    """The part of a model file that has arrived. Any source may go on where another stopped: the bytes are the same."""

    def __init__(self, path: Path, want: ModelFile) -> None:
        self.path = path
        self.want = want
        self.size = 0
        self._digest = hashlib.sha256()
        self._file = path.open("r+b" if path.exists() else "w+b")
        while chunk := self._file.read(CHUNK):
            self._digest.update(chunk)
            self.size += len(chunk)
        if self.size > want.size:
            self.restart()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        if self.size + len(chunk) > self.want.size:
            raise TooLong
        try:
            self._file.write(chunk)
            self._file.flush()  # so that a killed run keeps every byte it counted
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise no_room(self.path.parent, self.want.size - self.size) from error
        self._digest.update(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def complete(self) -> bool:
        return self.size == self.want.size

    @property
    def proved(self) -> bool:
        return self.complete and self._digest.hexdigest() == self.want.sha256

    def become(self, target: Path) -> None:
        """Take the final name, in one step, once the bytes are on the disk."""
        os.fsync(self._file.fileno())
        self.path.replace(target)
        remember(target, self.want.sha256)


def no_room(folder: Path, missing: int) -> SupplyError:
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    return SupplyError("disk_full", folder=folder, free=amount(free), need=amount(missing + MARGIN))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(target: Path) -> Path:
    return target.with_name(f"{target.name}.verified")


def _marks(target: Path, sha256: str) -> dict[str, str | int]:
    now = target.stat()
    return {"sha256": sha256, "size": now.st_size, "mtime_ns": now.st_mtime_ns, "inode": now.st_ino}


def remember(target: Path, sha256: str) -> None:
    """Note that this very file was proved, so that a later start need not read a gigabyte."""
    fresh = _note(target).with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(_marks(target, sha256)), encoding="utf-8")
    fresh.replace(_note(target))


def remembered(target: Path) -> str | None:
    """The sha256 this file was proved to have, unless the file has changed since."""
    try:
        noted = json.loads(_note(target).read_text(encoding="utf-8"))
        sha256 = str(noted["sha256"])
        return sha256 if noted == _marks(target, sha256) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(target: Path) -> None:
    """Remove a proved file and what was laid beside it."""
    for path in (target, _note(target), target.with_name(f"{target.name}.LICENSE.txt")):
        path.unlink(missing_ok=True)
