"""What codes are called on the desk."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from training.pairs import Reason, Source
from writingapp.models import Pair, Review
from writingapp.services import reviewing
from writingapp.views import words

HELD: dict[str, Promise] = {  # the writer reads of the same reasons in services.fates, told to her
    Reason.TOO_CLOSE: _("hardly differ"),
    Reason.SAME_TEXT: _("the same text"),
    Reason.DEGENERATE: _("repeats itself"),
    Reason.OUT_OF_FORM: _("chosen breaks its form"),
    Reason.COPIED: _("chosen has an old poet’s line"),
    Reason.CONTRADICTED: _("contradicted"),
    Reason.SWAPPED_ONCE: _("chose the other when swapped"),
    Reason.CAPPED_INSPIRATION: _("too many of one inspiration"),
    Reason.CAPPED_WRITER: _("too many of one writer"),
}
SOURCES: dict[str, Promise] = {
    Source.COMPARE: _("compared"),
    Source.SCORE: _("by stars"),
    Source.SWAP: _("a line swapped"),
    Source.TAKEN: _("taken into her text"),
}
REGULAR = (Review.Decision.APPROVE, Review.Decision.DISCARD, Review.Decision.FLAG)


def form_named(code: str) -> str:
    return str(words.WORDS.get(f"form_{code}", code))


def form(pair: Pair) -> str:
    """The form of a poem, or what else was asked for."""
    return form_named(pair.form) if pair.form else str(words.WORDS.get(f"kind_{pair.kind}", pair.kind))


def reason(code: str) -> str:
    """Why it was held or discarded, in a few words."""
    return str(reviewing.REASONS.get(code) or HELD.get(code) or code)


def source(code: str) -> str:
    return str(SOURCES.get(code, code))


def reasons() -> list[tuple[str, Promise]]:
    """All of them, those of the night first."""
    return [*HELD.items(), *reviewing.REASONS.items()]


def decisions() -> dict[str, object]:
    """For the pages that decide: the reasons with their keys, and the decisions a batch may be given."""
    return {
        "reasons": [(key, code, said) for key, (code, said) in enumerate(reviewing.REASONS.items(), 1)],
        "deciding": [(each.value, each.label) for each in REGULAR],
    }
