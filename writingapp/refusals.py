"""What the house refuses, each with a code for programs and a sentence for the writer."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    "malformed": _("This message could not be read. What you wrote is safe."),
    "unknown_type": _("This page and the server speak different versions. Please reload; what you wrote is safe."),
    "no_login": _("You are logged out. Your text is safe on this device; log in again and it is sent."),
    "no_token": _(
        "It was open for too long, or cookies are switched off, so we did not accept what it sent. "
        "Nothing was changed. Go back, reload the page and try once more."
    ),
    "not_found": _("There is no such thing here."),
    "too_long": _("The manuscript has reached its limit of 500,000 characters. The rest stays on this device."),
    "resend_whole": _("The change did not fit; the whole text is being sent again."),
    "said_twice": _("The tune says this line twice, so it cannot be swapped alone. You can change both in your page."),
    "no_other": _("What you asked for leaves no other line for this place."),
    "no_line": _("Only a line of a finished poem can be swapped."),
    "finished": _("This session is over."),
    "busy": _("One inspiration is being written and one is waiting. The next can be asked for shortly."),
    "crowded": _("Many writers are asking at this moment. There will be room for yours shortly."),
    "too_fast": _("Too many messages at once. Please wait a moment; what you wrote is safe."),
    "unavailable": _("The server cannot do this right now. What you wrote is safe; please try again shortly."),
    "rating_off": _("Rating is turned off in your account. Nothing was recorded."),
    "not_finished": _("This is still being written. It can be rated once it is finished."),
    "nothing_to_rate": _("There is no text here to rate."),
    "no_two": _("There are not two texts here to compare."),
    "no_such_line": _("This text has no such line."),
    "bad_score": _("A score goes from 1 to 5."),
    "unknown_tag": _("There is no such tag."),
    "rating_withdrawn": _("This rating was withdrawn. Judge anew, and it counts again."),
    "not_again": _("These two are not to be judged again today."),
    "never_trains": _("This one only shows how steady a judgement is; it never trains."),
    "engine_down": _("The model cannot be reached. Everything you wrote is saved."),
    "engine_loading": _("The model is still loading. Please ask again in a moment."),
    "engine_busy": _("The model has its hands full. Please ask again in a moment."),
    "not_served": _("The model does not have what was asked of it. Please tell whoever runs this house."),
    "engine_refused": _("The model refused this ask."),
    "engine_timeout": _("The model took too long."),
    "engine_broken": _("The model broke off. What it had written is kept."),
    "stands_in_trail": _("You have decided things here, and the trail keeps your name, so you cannot go alone."),
    "photo_empty": _("The file is empty. Please choose the picture again."),
    "photo_too_big": _("A picture may have up to 12 MB. Please choose a smaller one."),
    "photo_too_many_pixels": _("A picture may have up to 40 million pixels. Please choose a smaller one."),
    "photo_odd_shape": _("This picture is too small or too narrow to see anything in it."),
    "photo_not_a_picture": _("This is not a picture that can be read here: JPEG, PNG, WebP, HEIC or AVIF."),
    "photo_broken": _("This picture is damaged and could not be opened. Please choose another."),
    "photo_too_long": _("This picture took too long to open. Please choose another."),
    "photo_full": _("Many pictures are being opened at this moment. Please try again shortly."),
    "photo_too_many": _("A session holds six pictures. Delete one, and there is room for the next."),
    "too_many_attempts": _("Writing was broken off several times. What was there is kept."),
    "no_decision": _("This decision is not known here."),
    "no_reason": _("Discarding needs a reason; choose one with the keys 1 to 9."),
    "pair_withdrawn": _("The writer has withdrawn this pair. There is nothing left to decide."),
    "nothing_to_undo": _("There is nothing of yours to take back."),
    "batch_empty": _("No pair was chosen. Tick some, or take all that the filter finds."),
    "no_format": _("This format is not known here."),
    "nothing_to_export": _("None of these pairs may be exported."),
    "batch_changed": _("The queue has changed since the preview, so nothing was decided. Please look once more."),
    "school_paused": _("The night school is paused. Let it go on first."),
    "night_runs": _("A night is being worked on already."),
    "night_has_been": _("This night has been already. There is one run a night."),
    "run_ended": _("This run has ended already."),
    "run_by_hand": _("This run was started at a terminal, and is stopped there."),
    "on_trial": _("It stands a blind trial. Stop that first."),
    "changed_since": _("Something else holds by now, so nothing was changed. Please look once more."),
    "bad_share": _("A share goes from 0 to 100 percent."),
    "decided_since": _("Some of these pairs were decided again since. The batch cannot be taken back whole any more."),
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
