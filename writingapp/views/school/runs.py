"""All runs, newest first, under the school's switch and the newest letter."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from writingapp import access
from writingapp.models import School, TrainingRun
from writingapp.services import auditing, hours, letters, schooling
from writingapp.views.context import writer_of
from writingapp.views.desk import doors
from writingapp.views.school import naming

A_PAGE = 30


@dataclass(frozen=True)
class Row:
    """A run as the list tells it."""

    run: TrainingRun
    night: str
    why: str
    learnt: int
    minutes: int | None
    verdict: str


@doors.for_principals
@require_safe
def school(request: HttpRequest) -> HttpResponse:
    """The switch, the letter, the runs."""
    user, now = writer_of(request), timezone.now()
    page = Paginator(access.runs_for(user), A_PAGE).get_page(request.GET.get("page"))
    newest = TrainingRun.objects.filter(night__isnull=False, state__in=TrainingRun.TERMINAL).order_by("-night").first()
    auditing.note(user, "school.viewed", now=now, page=page.number)
    context = {
        "desk_page": "school",
        "school": School.objects.select_related("paused_by").filter(pk=1).first(),
        "letter": letters.paragraph(newest, get_language() or "") if newest else "",
        "newest": newest,
        "unfinished": schooling.unfinished(),
        "next_night": schooling.next_night(now),
        "window": hours.last_window(now),
        "page": page,
        "rows": [row(run) for run in page],
    }
    return render(request, "school/runs.html", context)


def row(run: TrainingRun) -> Row:
    began, ended = run.started_at, run.finished_at or (None if run.state in TrainingRun.TERMINAL else timezone.now())
    return Row(
        run=run,
        night=naming.night_of(run),
        why=letters.because(run.why, run.letter.get("detail", "")) if run.why else "",
        learnt=sum(run.manifest.get("pairs", {}).values()),
        minutes=round((ended - began).total_seconds() / 60) if began and ended else None,
        verdict=naming.verdict(run.gate),
    )
