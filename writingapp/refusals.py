"""What the house refuses, each with a code for programs and a sentence for the writer."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    "malformed": _("This message could not be read. What you wrote is safe."),
    "unknown_type": _("This page and the server speak different versions. Please reload; what you wrote is safe."),
    "not_found": _("There is no such thing here."),
    "too_long": _("The manuscript has reached its limit of 500,000 characters. The rest stays on this device."),
    "resend_whole": _("The change did not fit; the whole text is being sent again."),
    "no_line": _("Only a line of a finished poem can be swapped."),
    "finished": _("This session is over."),
    "busy": _("One inspiration is being written and one is waiting. The next can be asked for shortly."),
    "crowded": _("Many writers are asking at this moment. There will be room for yours shortly."),
    "too_fast": _("Too many messages at once. Please wait a moment; what you wrote is safe."),
    "unavailable": _("The server cannot do this right now. What you wrote is safe; please try again shortly."),
    "engine_down": _("The model cannot be reached. Everything you wrote is saved."),
    "engine_loading": _("The model is still loading. Please ask again in a moment."),
    "engine_busy": _("The model has its hands full. Please ask again in a moment."),
    "not_served": _("The model does not have what was asked of it. Please tell whoever runs this house."),
    "engine_refused": _("The model refused this ask."),
    "engine_timeout": _("The model took too long."),
    "engine_broken": _("The model broke off. What it had written is kept."),
    "too_many_attempts": _("Writing was broken off several times. What was there is kept."),
}


class Refusal(Exception):
    """A clear no. `code` is one of SENTENCES, `ref` the id it speaks of."""

    def __init__(self, code: str, ref: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.ref = ref

    @property
    def sentence(self) -> str:
        return sentence(self.code)


def sentence(code: str) -> str:
    """In the language that is active now; a code without a sentence of its own is told as unavailable."""
    return str(SENTENCES.get(code, SENTENCES["unavailable"]))
