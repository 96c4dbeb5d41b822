"""One run: its letter, its curves while it goes, and the verdict with every number. No writer's text stands here."""

import uuid
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from writingapp import access
from writingapp.models import TrainingRun
from writingapp.services import auditing, curves, letters
from writingapp.services.curves import Curves
from writingapp.views import telling
from writingapp.views.context import writer_of
from writingapp.views.desk import charts, doors
from writingapp.views.school import naming, runs

UNTOLD = ("finish_by",)  # the deadline stands on the page already
FILES = {"manifest": "manifest", "verdict": "gate"}  # what may be downloaded, and the field it lies in


@doors.for_principals
@require_safe
def run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """The whole page."""
    user = writer_of(request)
    found = access.run_for(user, run_id)
    auditing.note(user, "run.viewed", f"run:{found.pk}", now=timezone.now())
    gate = found.gate
    context = _live(found) | {
        "desk_page": "school",
        "letter": letters.paragraph(found, get_language() or ""),
        "counts": _counts(found.manifest),
        "config": sorted((name, _said(value)) for name, value in found.config.items() if name not in UNTOLD),
        "versions": sorted(found.manifest.get("versions", {}).items()),
        "gate": gate,
        "checks": [naming.check_row(check) for check in gate.get("checks", [])],
        "scales": [(scale, [naming.CHECKS.get(why, why) for why in whys]) for scale, whys in _scales(gate).items()],
        "samples": [_sample(each) for each in gate.get("samples", [])],
        "files": [name for name, kept in FILES.items() if getattr(found, kept)],
    }
    return render(request, "school/run.html", context)


@doors.for_principals
@require_safe
def live(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """What changes while it goes, for the page to put in place. The trail has her look at the page already."""
    return render(request, "school/_live.html", _live(access.run_for(writer_of(request), run_id)))


@doors.for_principals
@require_safe
def file(request: HttpRequest, run_id: uuid.UUID, name: str) -> HttpResponse:
    """The manifest or the verdict as it stands in the row."""
    user = writer_of(request)
    found = access.run_for(user, run_id)
    said = getattr(found, FILES[name]) if name in FILES else None
    if not said:
        raise Http404
    auditing.note(user, "run.exported", f"run:{found.pk}", now=timezone.now(), file=name)
    answer = JsonResponse(said, json_dumps_params={"ensure_ascii": False, "indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="bailu-{naming.file_stem(found)}-{name}.json"'
    return answer


def _live(found: TrainingRun) -> dict[str, Any]:
    told = curves.read(found)
    going = found.state not in TrainingRun.TERMINAL
    return {
        "row": runs.row(found),
        "run": found,
        "going": going,
        "taken": bool(found.holder),
        "told": told,
        "left": _left(told) if going and found.state == TrainingRun.State.TRAINING else "",
        "curves": _drawn(told),
    }


def _left(told: Curves) -> str:
    return telling.duration(timedelta(seconds=told.seconds_left)) if told.seconds_left is not None else ""


def _drawn(told: Curves) -> list[charts.Curve]:
    def both(name: str) -> tuple[charts.Points, charts.Points]:
        return told.learnt.get(name, []), told.held_out.get(name, [])

    drawn = [
        charts.curve(_("Loss"), [("", *both("loss"))]),
        charts.curve(_("Margin"), [("", *both("margin"))]),
        charts.curve(_("Pairs ranked right"), [("", *both("accuracy"))]),
        charts.curve(
            _("Log-probability a token"), [(_("chosen"), *both("chosen_logp")), (_("rejected"), *both("rejected_logp"))]
        ),
        charts.curve(_("KL to the base, nats a token"), [("", *both("kl"))]),
    ]
    return [each for each in drawn if each is not None]


def _counts(manifest: dict[str, Any]) -> list[tuple[str, Any]]:
    """In and out, by reason: of the ratings first, then of what training read."""
    pairs = manifest.get("pairs", {})
    said = [
        (_("Ratings read that night"), manifest.get("ratings")),
        (_("Pairs made of them"), manifest.get("made")),
        (_("of which held back"), manifest.get("held")),
        (_("Pairs withdrawn"), manifest.get("withdrawn")),
        (_("Pairs to learn from"), pairs.get("train", 0)),
        (_("Pairs held out"), pairs.get("held_out", 0)),
        (_("Ratings without a pair that are learnt"), manifest.get("alone")),
        (_("Writers"), manifest.get("writers")),
        (_("Fewest pairs that train"), manifest.get("fewest")),
    ]
    fates = [(naming.fate(code), count) for code, count in sorted(manifest.get("fates", {}).items())]
    read = [(str(naming.READ.get(code, code)), count) for code, count in sorted(manifest.get("counts", {}).items())]
    return [(name, count) for name, count in said if count is not None] + fates + read


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _scales(gate: dict[str, Any]) -> dict[str, list[str]]:
    scales: dict[str, list[str]] = gate.get("scales", {})
    return scales


def _sample(said: dict[str, str]) -> dict[str, Any]:
    """One wish and what each model made of it."""
    texts = [
        {"side": naming.side(name), "text": said[name], "lang": telling.language_of(said[name])}
        for name in naming.SIDES
        if name in said
    ]
    return {"asked": naming.asked(said.get("prompt", "")), "texts": texts}
