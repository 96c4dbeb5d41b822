"""Who agrees with whom, who stands out, and which adapter writes better: each number with its n and its interval."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from inference.verse.forms import FORMS
from training.agreement import Share
from training.bradley_terry import Standing
from writingapp.models import Review
from writingapp.services import auditing, measuring
from writingapp.services.choosing import Filter
from writingapp.views.context import writer_of
from writingapp.views.desk import charts, doors, naming

STEADY = 1.1  # of strength: wins three times in four


@doors.for_reviewers
@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    """Counts and shares; nothing here shows a text."""
    form = request.GET.get("form", "")
    form = form if form in FORMS else ""
    compared = measuring.comparisons(form)
    leaders, writers = measuring.leaders(compared), measuring.writers(compared)
    auditing.note(writer_of(request), "statistics.viewed", now=timezone.now(), form=form)
    context = {
        "desk_page": "statistics",
        "form": form,
        "forms": [(name, naming.form_named(name)) for name in FORMS],
        "reviewers": [
            (one.name, [one.counts.get(decision, 0) for decision in Review.Decision.values], one.total)
            for one in measuring.reviewers()
        ],
        "decisions": Review.Decision.labels,
        "agree": measuring.reviewers_agree(),
        "leaders": leaders,
        "leaders_chart": _leaders_chart(leaders),
        "islands": len({one.group for one in leaders}) > 1,
        "compared": len(compared),
        "writers": writers,
        "steady_chart": _shares_chart([(_("Same again"), writers.again), (_("Shown first"), writers.first_place)], 0.5),
        "shares": [(name, share, Filter(writer=name).query()) for name, share in writers.shares],
        "by_form": [(naming.form_named(name) or _("without a form"), n, share) for name, n, share in measuring.forms()],
        "small": measuring.SMALL,
        "newest": measuring.NEWEST,
    }
    return render(request, "desk/statistics.html", context)


def _leaders_chart(leaders: list[Standing]) -> charts.Chart:
    rows = [(one.name, one.strength, one.low, one.high, f"{one.strength:+.2f} · n {one.count}") for one in leaders]
    return charts.intervals(rows, middle=0.0, least=-STEADY, most=STEADY)


def _shares_chart(shares: list[tuple[str, Share]], middle: float) -> charts.Chart:
    rows = [
        (name, share.value, share.low, share.high, f"{share.value:.0%} · n {share.count}")
        for name, share in shares
        if share.value is not None
    ]
    return charts.intervals(rows, middle=middle, least=0.0, most=1.0)
