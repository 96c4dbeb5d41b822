"""The morning letter: what became of a night, as one paragraph of plain sentences with their numbers.

The facts are written down when the run ends; the sentences are made when somebody reads them, in his language.
"""

from contextlib import nullcontext
from datetime import date
from typing import Any

from django.utils import translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from writingapp.models import TrainingRun

State = TrainingRun.State

# Why a run came to nothing, or an adapter does not write: codes of the night, of training, of promoting, and below
# them training.gate.Reason, which is not imported: numpy would come along into every process that writes a letter.
WHY: dict[str, Promise] = {
    "too_few_pairs": gettext_lazy("There were too few pairs to learn from, so nothing was trained."),
    "nothing_new": gettext_lazy("Nothing was said since the last training, so nothing was trained."),
    "trial": gettext_lazy("A blind trial is running, so nothing was trained: the next adapter is measured by its end."),
    "no_node": gettext_lazy("No node can serve adapters, so nothing was trained."),
    "no_base": gettext_lazy("There is no base to train on; NIGHT_BASE names its folder."),
    "model_gone": gettext_lazy("The house serves another model by now, so nobody can write with what was learnt."),
    "deadline": gettext_lazy("The night was over before it was done."),
    "terminated": gettext_lazy("It was told to stop."),
    "withdrawn": gettext_lazy("A writer took back something that it had learnt from, so it does not write."),
    "paused": gettext_lazy("The night school is paused, so nothing was promoted."),
    "killed": gettext_lazy("The training process ended without a word; its log lies in the run's folder."),
    "bad_run": gettext_lazy("The training could not begin with what it was given; its log lies in the run's folder."),
    "not_finite": gettext_lazy("Its numbers ran away to infinity, so it was thrown away."),
    "too_many_attempts": gettext_lazy("It broke off again and again, and was given up."),
    "gate_broken": gettext_lazy("It could not be judged, and what was not judged does not write."),
    "bad_adapter": gettext_lazy("What came of it is no adapter that an engine may serve."),
    "node_failed": gettext_lazy("A node could not load it, so it was not promoted: %(detail)s."),
    "too_faint": gettext_lazy("It hardly differs from the base, so that no node can prove it; it was not promoted."),
    "not_loaded": gettext_lazy("Not every node had loaded it in time, so it was not promoted: %(detail)s."),
    "not_proved": gettext_lazy("Not every node has proved it: %(detail)s."),
    "not_judged": gettext_lazy("No gate has passed it, so it may not be promoted."),
    "imported": gettext_lazy("It was trained elsewhere, and judged here."),
    "retired": gettext_lazy("It is retired, and does not come back."),
    "serves": gettext_lazy("It writes already."),
    "nothing_serves": gettext_lazy("No adapter writes; it is the base already."),
    "trial_runs": gettext_lazy("Another trial is running."),
    "no_trial": gettext_lazy("No trial is running."),
    "artifact": gettext_lazy("The gate refused it: its folder may not be served."),
    "wrong_base": gettext_lazy("The gate refused it: it was trained on another base than the one that serves."),
    "not_taken": gettext_lazy("It could not be judged: the node that writes for the gate would not load it."),
    "too_little": gettext_lazy("The gate refused it: too few inspirations are held out to tell whether it is good."),
    "ranking": gettext_lazy("The gate refused it: it may prefer what writers rejected more often than before."),
    "loss": gettext_lazy("The gate refused it: it may be surer of what writers rejected than before."),
    "writers": gettext_lazy("The gate refused it: it may be better for some writers at the cost of others."),
    "heavy_writer": gettext_lazy("The gate refused it: too much of what it learnt from is one writer's."),
    "displaced": gettext_lazy("The gate refused it: even the preferred texts became less likely."),
    "poems": gettext_lazy("The gate refused it: it reads good poems worse than before."),
    "general": gettext_lazy("The gate refused it: it reads plain prose worse than before."),
    "form": gettext_lazy("The gate refused it: its texts break their form more often."),
    "broken": gettext_lazy("The gate refused it: more of its texts are empty or go round in circles."),
    "variety": gettext_lazy("The gate refused it: its texts became too much alike."),
    "favourite_line": gettext_lazy("The gate refused it: it writes one and the same line to many wishes."),
    "copied": gettext_lazy("The gate refused it: it recites what it was trained on."),
    "canary": gettext_lazy("The gate refused it: it said what must never be said."),
}


def facts(run: TrainingRun, detail: str = "") -> dict[str, Any]:
    """What the letter tells, as it stood when the run ended."""
    outcome = run.manifest.get("outcome", {})
    pairs = run.manifest.get("pairs", {})
    begun, ended = run.started_at or run.created_at, run.finished_at
    return {
        "state": run.state,
        "why": run.why,
        "detail": detail,
        "ratings": run.manifest.get("ratings", 0),
        "learnt": pairs.get("train", 0),
        "held_out": pairs.get("held_out", 0),
        "alone": run.manifest.get("alone", 0),
        "writers": run.manifest.get("writers", 0),
        "fewest": run.manifest.get("fewest", 0),
        "steps": outcome.get("steps"),
        "planned": outcome.get("planned"),
        "minutes": round((ended - begun).total_seconds() / 60) if ended else 0,
        "ranking": _ranking(run.gate),
        "scale": run.gate.get("scale"),
        "adapter": run.adapter_id or "",
    }


def _ranking(verdict: dict[str, Any]) -> dict[str, Any] | None:
    """The gate's first number: pairs ranked right, against the base."""
    for check in verdict.get("checks", []):
        numbers = [check.get(name) for name in ("value", "low", "high")]
        if check.get("reason") == "ranking" and check.get("against") == "base" and None not in numbers:
            return {name: check[name] for name in ("value", "low", "high", "count")}
    return None


def paragraph(run: TrainingRun, language: str) -> str:
    """The letter in a language of the settings; while the night goes on, that it does."""
    with translation.override(language):
        told = run.letter or facts(run)
        sentences = [_when(run.night), _read(told), _trained(told), _judged(told), _outcome(run, told)]
    return ("" if language.startswith("zh") else " ").join(filter(None, sentences))


def because(code: str, detail: str = "", language: str | None = None) -> str:
    """A code as a sentence, in the active language unless another is named; a code that has none is told as it is."""
    with translation.override(language) if language else nullcontext():
        return str(WHY[code]) % {"detail": detail} if code in WHY else code


def _when(night: date | None) -> str:
    return _("Night of %(date)s.") % {"date": date_format(night, "DATE_FORMAT")} if night else _("A run by hand.")


def _read(told: dict[str, Any]) -> str:
    said = _("Ratings read: %(ratings)d. Pairs: %(learnt)d to learn from, %(held_out)d held out; writers: %(writers)d.")
    if told.get("alone"):  # a letter of before has none
        said = _(
            "Ratings read: %(ratings)d. Pairs: %(learnt)d to learn from, %(held_out)d held out; ratings without a pair:"
            " %(alone)d; writers: %(writers)d."
        )
    return said % told


def _trained(told: dict[str, Any]) -> str:
    if told["steps"] is None:
        return ""
    return _("Training went %(steps)d of %(planned)d steps; all in all it took %(minutes)d min.") % told


def _judged(told: dict[str, Any]) -> str:
    if not told["ranking"]:
        return ""
    points = {name: 100 * told["ranking"][name] for name in ("value", "low", "high")}
    said = _(
        "On %(count)d held-out inspirations its share of pairs ranked right differs from the base's by %(value)+.1f"
        " points (95 %%: %(low)+.1f to %(high)+.1f)."
    )
    return said % (points | {"count": told["ranking"]["count"]})


def _outcome(run: TrainingRun, told: dict[str, Any]) -> str:
    if run.state not in TrainingRun.TERMINAL:
        return _("It is still going on: %(state)s.") % {"state": run.get_state_display()}
    if run.state == State.PROMOTED and told["why"] == "trial":
        return _("It passed the gate, and %(adapter)s now stands a blind trial.") % told
    if run.state == State.PROMOTED:
        return _("It passed the gate, and %(adapter)s writes from now on.") % told
    return because(told["why"], told["detail"])
