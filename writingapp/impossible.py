"""Why no poem can be as she asks: a sentence for each option and reason, naming the character or word."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inference.verse.options import Impossible

SENTENCES: dict[tuple[str, str], Promise] = {
    ("head", "count"): _("This form has %(at)s lines, so it takes as many line heads."),
    ("head", "range"): _("Line heads of modern verse are %(at)s characters, one for each line."),
    ("head", "unknown"): _("“%(at)s” cannot begin a line here; line heads are Chinese characters."),
    ("head", "letter"): _("“%(at)s” cannot begin a line here; line heads of English verse are letters."),
    ("head", "tone"): _(
        "“%(at)s” cannot stand there: in no opening of this form does its tone fit where it begins a line."
    ),
    ("head", "word"): _("No line can begin with “%(at)s”."),
    ("head", "crowded"): _(
        "Each of these can begin a line, but no opening of this form has room for all of them: see “%(at)s”."
    ),
    ("rhyme", "unknown"): _("There is no rhyme “%(at)s” in this rhyme book."),
    ("rhyme", "few"): _("Too few words rhyme in “%(at)s” for a poem of this form. Please choose a wider rhyme."),
    ("words", "many"): _("At most %(at)s words can be asked for."),
    ("words", "unknown"): _("“%(at)s” cannot stand in this poem; words are written without marks or spaces."),
    ("words", "unheard"): _("We do not know how many syllables “%(at)s” has, so it cannot be counted in a line."),
    ("words", "long"): _("“%(at)s” is longer than a line of this form."),
    ("words", "tone"): _("“%(at)s” fits nowhere in this form: its tones stand in no line of it."),
    ("words", "crowded"): _("There is no place left for “%(at)s” beside what else is asked for."),
    ("book", "unknown"): _("This rhyme book is not known here."),
    ("script", "unknown"): _("Choose simplified or traditional characters."),
    ("size", "range"): _("A line of this form may have %(at)s characters."),
    ("lines", "range"): _("A poem of this form may have %(at)s lines."),
    ("pins", "line"): _("The poem has no such line to keep."),
    ("pins", "all"): _("Every line is kept, so there is nothing to write. Let one go."),
    ("pins", "form"): _("“%(at)s” cannot stay: it does not fit this form at its place."),
    ("pins", "crowded"): _("The lines that stay do not belong to one poem of this form: see “%(at)s”."),
}
NOT_TAKEN = _("This form does not take this.")


def sentence(fault: Impossible) -> str:
    """In the language that is active now."""
    return str(SENTENCES.get((fault.field, fault.code), NOT_TAKEN)) % {"at": fault.at}
