"""Model files from a folder: a company's share, a stick, a folder beside the test suite."""

from dataclasses import dataclass
from pathlib import Path

from inference.models.partial import CHUNK, Partial, TooLong
from inference.models.progress import Progress
from inference.models.trouble import SourceFailed


@dataclass(frozen=True)
class Folder:
    """A folder that holds model files under their cache names. Copied, so that it may be unmounted later."""

    label: str
    path: Path

    def fetch(self, into: Partial, progress: Progress) -> None:
        try:
            with (self.path / into.want.file).open("rb") as file:
                file.seek(into.size)
                while chunk := file.read(CHUNK):
                    into.write(chunk)
                    progress.reach(into.size)
        except TooLong:
            into.restart()
            raise SourceFailed("other_size", source=self.label, size=f"> {into.want.size}") from None
        except OSError as error:
            raise SourceFailed("unreachable", source=self.label, why=error.strerror or error) from error
        if not into.complete:
            raise SourceFailed("other_size", source=self.label, size=into.size)
