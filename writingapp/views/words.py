"""The sentences that the session page's scripts say, in the language of the page."""

from django.utils.translation import gettext_lazy as _

from writingapp.models.feedback import TAGS

# static/js asks by key and fills the {places}. Keys that end in _one and _other are the forms of a number.
WORDS = {
    "manuscript": _("Manuscript"),
    "hint": _("Begin anywhere."),
    "state_opening": _("Opening your page"),
    "state_saved": _("Saved"),
    "state_saving": _("Saving"),
    "state_device": _("On this device only"),
    "state_unkept": _("Not saved yet: keep this page open"),
    "state_conflict": _("Two texts: please choose"),
    "state_too_long": _("Too long to save: on this device only"),
    "too_long": _(
        "At most {n} characters can be saved. All of it is kept on this device, and saved once it is shorter."
    ),
    "count_one": _("{n} word"),
    "count_other": _("{n} words"),
    "count_of": _("{n} of {goal} words"),
    "count_reached": _("{n} words, the goal of {goal} is reached"),
    "time_left": _("Time left {time}: show or hide"),
    "time_written": _("Written for {time}: show or hide"),
    "clock_hidden": _("Time"),
    "pause": _("Pause"),
    "resume": _("Go on"),
    "paused": _("Paused. Your text is still saved; the clock stands until you go on."),
    "minute": _("One minute left. Five more?"),
    "over": _("Time is up. What you wrote stays, and you may write on."),
    "extend_yes": _("Five more minutes"),
    "extend_no": _("No, thank you"),
    "turn_waits": _("There is no connection just now; please try this again once it is back."),
    "finish": _("Finish"),
    "finish_ask": _("Finish for this morning?"),
    "finish_no": _("Write on"),
    "finish_waits": _("The last words are being saved first."),
    "finished_elsewhere": _("This session was finished in another window. What you write here is still saved."),
    "finished_see": _("See what you wrote"),
    "offline": _("The connection is gone. What you write is kept on this device and sent when it is back."),
    "offline_unkept": _(
        "The connection is gone, and this browser keeps nothing. Leave this page open; it is sent later."
    ),
    "no_login": _("You are logged out. Your text is safe on this device; log in again and it is sent."),
    "log_in": _("Log in again"),
    "no_session": _(
        "This session is not here any more. The text on this page is still yours; copy what you want to keep."
    ),
    "conflict": _("The same place was also changed in another window. There it says:"),
    "conflict_gone": _("The same place was also changed in another window: there it was taken out."),
    "keep_mine": _("Keep what is here"),
    "keep_theirs": _("Keep the other"),
    "keep_both": _("Keep both"),
    "kind_line": _("Next line"),
    "kind_poem": _("Poem"),
    "kind_continue": _("Go on from my text"),
    "form_free": _("Modern verse"),
    "form_wujue": _("Five-character quatrain"),
    "form_qijue": _("Seven-character quatrain"),
    "form_wulv": _("Five-character octave"),
    "form_qilv": _("Seven-character octave"),
    "form_haiku": _("Haiku"),
    "form_english": _("English poem"),
    "wish_used": _("{n} of 500 characters"),
    "wish_too_long": _("A wish has at most 500 characters; this one has {n}."),
    "ask_waits": _("There is no connection just now. Your ask goes out when it is back."),
    "ask_again_in": _("It is asked again by itself in about {n} seconds."),
    "ask_no_more": _("Never mind"),
    "again": _("Ask again"),
    "stop": _("Stop"),
    "candidate": _("Candidate {n}"),
    "queued": _("Waiting in line"),
    "writing": _("Writing"),
    "written": _("Written"),
    "out_of_form": _("Written, but not in its form: this model cannot hold one"),
    "stopped": _("Stopped"),
    "interrupted": _("Broken off; this much stays"),
    "failed": _("Nothing came of it."),
    "take_poem": _("Take the poem"),
    "take_whole": _("Take all of it"),
    "take_line": _("Take this line"),
    "take_line_named": _("Take this line: {line}"),
    "swap_line": _("Other lines for: {line}"),
    "swap_choices": _("Two lines to choose from"),
    "swap_leave": _("Leave it as it is"),
    "swap_kept": _("Now it says: {line}"),
    "swap_restore": _("Back to: {line}"),
    "swap_restored": _("The first line is back."),
    "tap_line": _("Touch a line to take it alone"),
    "taken": _("Taken"),
    "heard_start": _("Inspiration is being written."),
    "heard_end": _("The inspiration is there."),
    "heard_taken": _("Taken into the manuscript."),
    "rate_which": _("Which of the two is better?"),
    "rate_first": _("First is better"),
    "rate_tie": _("Both alike"),
    "rate_both_bad": _("Neither"),
    "rate_second": _("Second is better"),
    "rate_key": _("Key: {key}"),
    "rate_why": _("Why, if you like to say"),
    "rate_kept": _("Kept: {what}."),
    "rate_tagged": _("Kept."),
    "rate_undo": _("Take it back"),
    "rate_undone": _("Taken back."),
    "rate_consent": _("May train the model"),
    "rate_ledger": _("All ratings"),
    "rate_failed": _("There is no connection just now, so this was not recorded. Please try again."),
    "consent_title": _("May your ratings train the model?"),
    "consent_ask": _(
        "May your ratings train the model of this house? It would see the two texts, which of them you found better "
        "or took, and what you asked for; for a line or a continuation, also the passage before it. You can decide "
        "otherwise for each rating, and take any of them back."
    ),
    "consent_yes": _("Yes, they may"),
    "consent_no": _("No, keep them to me"),
    "consent_given": _("This rating may train the model."),
    "consent_taken": _("This rating does not train the model."),
    "star": _("{n} of 5 stars"),
    "stars_text": _("Stars for the whole text. Keys: 1 to 5"),
    "stars_line": _("Stars for this line: {line}"),
    "by_line": _("Line by line"),
    "wrote": _("Written by {name}"),
    "wrote_base": _("Written by the base model"),
    **{f"tag_{tag}": name for tag, name in TAGS.items()},
    "engine_loading": _("The model is still waking up. You can ask already; it is written once the model is awake."),
    "engine_loading_share": _(
        "The model is still waking up ({share}). You can ask already; it is written once the model is awake."
    ),
    "engine_down": _(
        "The model cannot be reached. Your writing goes on as always; what you ask for waits until it is back."
    ),
    "engine_away": _(
        "Nobody is at work behind this page just now. Your writing goes on as always; what you ask for waits."
    ),
}


def words() -> dict[str, str]:
    """Every sentence in the active language."""
    return {key: str(sentence) for key, sentence in WORDS.items()}
