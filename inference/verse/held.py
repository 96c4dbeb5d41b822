"""What one text is held to, as it stands in the row of its candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.verse.options import FREE, Options


@dataclass(frozen=True, slots=True)
class Held:
    """A form, a language, what else she asked, and what was drawn for this one poem by its family: a tune."""

    form: str
    language: str = "zh"
    options: Options = FREE
    drawn: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, constraint: Mapping[str, Any]) -> "Held":
        """From a stored constraint; what is not known here is the family's own."""
        own = {key: value for key, value in constraint.items() if key not in {"form", "language", "options", "instead"}}
        return cls(constraint["form"], constraint["language"], Options.of(constraint.get("options", {})), own)

    def constraint(self) -> dict[str, Any]:
        """As it is stored."""
        told = self.options.told()
        return {"form": self.form, "language": self.language} | ({"options": told} if told else {}) | dict(self.drawn)
