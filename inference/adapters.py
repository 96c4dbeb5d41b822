"""What an adapter's folder must be before anything serves it."""

from dataclasses import dataclass
from pathlib import Path


class AdapterError(ValueError):
    """A folder that is no adapter of ours; `code` for programs, the message for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found in the folder. `digest` is a sha256 over the names and bytes of its files."""

    digest: str
    rank: int


def check(folder: Path) -> Facts:
    """Read and judge a PEFT folder. Raises AdapterError."""
    raise NotImplementedError
