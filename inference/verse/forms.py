"""One door to all forms: each family makes its own and, by code of its own, judges it.

A family is a module with `draw`, `follow`, `instead` and `conforms`, all of one shape; `registry.py` names the forms.
"""

from typing import Any, Protocol

from inference.verse import ci, duilian, english, limits, plain, regulated
from inference.verse.held import Held
from inference.verse.options import FREE, Options
from inference.verse.registry import FORMS, LANGUAGES, Form, family_of, language_in
from inference.verse.script import as_made, simple
from inference.verse.shape import Shape

__all__ = ["FORMS", "LANGUAGES", "Form", "conforms", "draw", "family_of", "follow", "instead", "language_in"]


class Family(Protocol):
    """What a module of forms has."""

    def draw(self, held: Held, wish: str, seed: str) -> dict[str, Any]:
        """What one poem is held to besides, by chance from `seed`: JSON-able. Raises `Impossible`."""

    def follow(self, held: Held, written: str) -> Shape:
        """The shape of what may follow `written`. Raises `NoSuchBeginning` if no such text begins like that."""

    def instead(self, held: Held, poem: str, at: int) -> Shape:
        """The shape of another line in the place of line `at`, with its mark and a beginning of its own.

        Raises `NoSuchBeginning` if the poem has not its form.
        """

    def conforms(self, held: Held, text: str) -> bool:
        """Whether a finished text is what was asked for, said by code and data that `follow` does not share."""


FAMILIES: dict[str, Family] = {"plain": plain, "english": english, "regulated": regulated, "ci": ci, "duilian": duilian}


def _family(form: str, language: str) -> Family:
    return FAMILIES[family_of(form, language)]


def draw(form: str, language: str, wish: str, seed: str, options: Options = FREE) -> Held:
    """What one text of this form is held to, drawn by `seed`. Raises `Impossible`."""
    if fault := next(limits.faults(form, language, options), None):
        raise fault
    held = Held(form, language, options)
    return Held(form, language, options, _family(form, language).draw(held, wish, seed))


def follow(held: Held, written: str = "") -> Shape:
    """See `Family.follow`."""
    return _family(held.form, held.language).follow(held, written)


def instead(held: Held, poem: str, at: int) -> Shape:
    """See `Family.instead`."""
    return _family(held.form, held.language).instead(held, poem, at)


def conforms(form: str, text: str, language: str = "zh", options: Options = FREE) -> bool:
    """See `Family.conforms`."""
    language = language_in(form, language)
    if options.script == "hant":
        text, options = as_made(text, form), simple(options, form)
    return _family(form, language).conforms(Held(form, language, options), text)
