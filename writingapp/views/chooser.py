"""The forms as the page offers them: in groups, each with the options that it takes; and the rhymes of each book."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inference.verse import books, cipu, limits
from inference.verse.naming import rhyme_name
from inference.verse.options import BOOKS
from inference.verse.registry import FORMS, Form
from writingapp.views import words

# In the order of the page; a form is in the first group that its name or its family stands in.
GROUPS: tuple[tuple[str, Promise, frozenset[str]], ...] = (
    ("regulated", _("Regulated verse"), frozenset({"regulated"})),
    ("ci", _("Ci, to a tune"), frozenset({"ci"})),
    ("duilian", _("Paired lines"), frozenset({"duilian"})),
    ("modern", _("Modern, haiku"), frozenset({"free", "haiku"})),
    ("english", _("In English"), frozenset({"english"})),
)
SHOWN = 4  # characters of a rhyme, by which it is known


@dataclass(frozen=True, slots=True)
class Offer:
    """One form: what it is called, and which options it takes, as words in a row."""

    name: str
    label: str
    takes: str


@dataclass(frozen=True, slots=True)
class Group:
    """Forms that stand together."""

    name: str
    label: str
    forms: list[Offer]


def groups() -> list[Group]:
    """Every form there is, in the active language."""
    found = {name: Group(name, str(label), []) for name, label, _ in GROUPS}
    for form in FORMS.values():
        found[_group_of(form)].forms.append(_offer(form))
    return [group for group in found.values() if group.forms]


def _group_of(form: Form) -> str:
    return next(group for group, _, those in GROUPS if {form.name, form.family} & those)


def _offer(form: Form) -> Offer:
    takes = limits.takes(form.name, form.language or "zh")
    return Offer(form.name, str(words.WORDS[f"form_{form.name}"]), " ".join(sorted(takes)))


def rhymes() -> dict[str, list[tuple[str, str]]]:
    """By book each rhyme's name, and what it is called beside words of it; the one book of the tunes is `tune`."""
    found = {book: books.rhymes(book) for book in BOOKS} | {"tune": {part: _known(part) for part in cipu.parts()}}
    return {
        book: [(name, _called(name, chars, book)) for name, chars in of.items() if chars] for book, of in found.items()
    }


def _known(part: str) -> str:
    """Common words of a part of 词林正韵 in both tones, as far as it has them."""
    level, oblique = (cipu.words(part, tone) for tone in "平仄")
    return level[: SHOWN // 2] + oblique[: SHOWN - len(level[: SHOWN // 2])]


def _called(rhyme: str, chars: str, book: str) -> str:
    return f"{rhyme_name(rhyme, book)}　{chars[:SHOWN]}"
