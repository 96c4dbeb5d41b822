"""What can go wrong with a model file, each with one sentence for a person."""

from inference.models.words import sentence


class SupplyError(Exception):
    """No usable model file; `str()` says why and how to mend it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(sentence(code, **values))
        self.code = code


class SourceFailed(SupplyError):
    """One source could not give the bytes; the next may."""
