"""What the numbers of a verdict are called, and how each is told."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from writingapp.models import Adapter, Rating, TrainingRun
from writingapp.views.desk import naming

# By training.gate.Reason, which is not imported: numpy would come along. A test holds the two together.
CHECKS: dict[str, Promise] = {
    "artifact": gettext_lazy("Its folder may be served"),
    "wrong_base": gettext_lazy("Trained on the base that serves"),
    "not_taken": gettext_lazy("The node that writes for the gate loads it"),
    "not_finite": gettext_lazy("All its numbers are finite"),
    "too_little": gettext_lazy("Held-out inspirations"),
    "heavy_writer": gettext_lazy("Most training pairs of one writer"),
    "canary": gettext_lazy("Says what must never be said"),
    "favourite_line": gettext_lazy("Wishes that get one and the same line"),
    "copied": gettext_lazy("Lines out of the training texts"),
    "ranking": gettext_lazy("Pairs ranked right, difference"),
    "loss": gettext_lazy("Preference loss of held-out pairs, gain"),
    "writers": gettext_lazy("The same, each writer counted once"),
    "displaced": gettext_lazy("Likelihood of the chosen texts, difference"),
    "poems": gettext_lazy("Perplexity of well-known poems"),
    "general": gettext_lazy("Perplexity of plain prose"),
    "form": gettext_lazy("Texts that break their form"),
    "broken": gettext_lazy("Texts that are empty or go in circles"),
    "variety": gettext_lazy("Distinct pairs of characters"),
}
AT_LEAST = ("too_little", "ranking", "loss", "writers", "displaced", "variety")  # of all others at most
POINTS, TIMES = ("ranking", "writers"), ("poems", "general")
SHARES = ("heavy_writer", "favourite_line", "copied", "form", "broken")
READ: dict[str, Promise] = {  # counts that training wrote into its manifest
    "train_groups": gettext_lazy("Inspirations it learnt from"),
    "train_completions": gettext_lazy("Texts it learnt from"),
    "train_pairs": gettext_lazy("Pairs it learnt from"),
    "held_out_groups": gettext_lazy("Inspirations held out"),
    "held_out_completions": gettext_lazy("Texts held out"),
    "held_out_pairs": gettext_lazy("Pairs measured, not learnt"),
    "left_out_too_long": gettext_lazy("Inspirations too long to read"),
}
SIDES = {
    "base": gettext_lazy("base"),
    "serving": gettext_lazy("what writes now"),
    "candidate": gettext_lazy("the new one"),
}


@dataclass(frozen=True)
class CheckRow:
    """A check of the gate as the page tells it."""

    name: str
    passed: bool
    value: str
    limit: str
    span: str
    count: int
    against: str
    detail: str


def check_row(check: dict[str, Any]) -> CheckRow:
    reason = str(check.get("reason", ""))
    value, limit = (_told(reason, check.get(name)) for name in ("value", "limit"))
    low, high = (_plain(reason, check.get(name)) for name in ("low", "high"))
    sign = "≥" if reason in AT_LEAST else "≤"
    return CheckRow(
        name=str(CHECKS.get(reason, reason)),
        passed=check.get("passed") is True,
        value=value,
        limit=f"{sign} {limit}" if limit else "",
        span=f"{low} … {high}" if low and high else "",
        count=int(check.get("count") or 0),
        against=side(str(check.get("against", ""))),
        detail=str(check.get("detail", "")),
    )


def _told(reason: str, number: object) -> str:
    """With its unit; empty where there is none."""
    said = _plain(reason, number)
    if said and reason in POINTS:
        return _("%(number)s points") % {"number": said}
    if said and reason == "displaced":
        return _("%(number)s nats a token") % {"number": said}
    return said


def _plain(reason: str, number: object) -> str:
    if not isinstance(number, int | float):
        return ""
    if reason in POINTS:
        return f"{100 * number:+.1f}"
    if reason in SHARES:
        return f"{100 * number:.1f} %"
    if reason in TIMES:
        return f"× {number:.3f}"
    if reason in ("displaced", "loss"):
        return f"{number:+.3f}"
    return f"{number:g}" if isinstance(number, int) else f"{number:.3f}"


def fate(said: str) -> str:
    """A rating's fate and why, as `training.pairs` counts them: `held: copied`."""
    code, _colon, why = said.partition(": ")
    label = str(Rating.Fate(code).label) if code in Rating.Fate.values else code
    return f"{label}: {naming.reason(why)}" if why else label


def side(code: str) -> str:
    return str(SIDES.get(code, code))


def asked(prompt: str) -> str:
    """A fixed wish as it stands in a verdict: `wujue 清晨的湖`."""
    form, _space, wish = prompt.partition(" ")
    return f"{naming.form_named(form)} · {wish}" if wish else prompt


def verdict(gate: dict[str, Any]) -> str:
    """In two words; empty where nothing was judged."""
    if "passed" not in gate:
        return ""
    if gate["passed"]:
        return _("passed at strength %(scale)s") % {"scale": f"{gate.get('scale') or 1:g}"}
    return _("refused: %(why)s") % {"why": " · ".join(str(CHECKS.get(why, why)) for why in gate.get("reasons", []))}


def night_of(run: TrainingRun) -> str:
    return f"{run.night:%Y-%m-%d}" if run.night else _("by hand, {at}").format(at=f"{run.created_at:%Y-%m-%d}")


def writer_now(adapter: Adapter | None) -> str:
    return adapter.name if adapter else _("the base")


def file_stem(run: TrainingRun) -> str:
    return f"{run.night or run.created_at:%Y%m%d}-{str(run.pk)[:8]}"
