"""How far a file has come: a bar on a terminal, a line per tenth elsewhere."""

import sys
from types import TracebackType
from typing import NoReturn, Protocol, Self

from tqdm import tqdm

from inference.models.words import amount


def tell(line: str) -> None:
    """One line for the person at the terminal; stdout is kept for results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Progress(Protocol):
    """What a source tells while it works."""

    def reach(self, size: int) -> None:
        """So many bytes of the whole file are here."""


class Bar:
    """Progress on stderr."""

    def __init__(self, label: str, total: int) -> None:
        self._label = label
        self._total = total
        self._told = -1
        self._bar: tqdm[NoReturn] | None = None
        if sys.stderr.isatty():
            self._bar = tqdm(desc=label, total=total, unit="B", unit_scale=True, dynamic_ncols=True, leave=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def reach(self, size: int) -> None:
        if self._bar is not None:
            self._bar.update(size - self._bar.n)
            return
        tenth = size * 10 // self._total if self._total else 10
        if tenth != self._told:
            self._told = tenth
            tell(f"{self._label}  {tenth * 10} %  ({amount(size)} / {amount(self._total)})")
