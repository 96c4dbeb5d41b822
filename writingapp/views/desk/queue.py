"""The queue: states with their counts, filters, and pairs page by page."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from inference.verse.forms import FORMS
from writingapp import access
from writingapp.models import Adapter, Pair
from writingapp.models.feedback import TAGS
from writingapp.services import auditing, batches, choosing
from writingapp.services.choosing import BadFilter, Filter
from writingapp.views import telling
from writingapp.views.context import writer_of
from writingapp.views.desk import doors, naming

A_PAGE = 50
LABELS = {
    "since": _("From"),
    "until": _("To"),
    "form": _("Form"),
    "tag": _("Tag"),
    "adapter": _("Adapter"),
    "writer": _("Writer"),
    "gap": _("Gap from"),
    "agreement": _("Agreement"),
    "reason": _("Reason"),
    "words": _("Words"),
}
AGREEMENTS = {
    choosing.AGREED: _("reviewers agree"),
    choosing.DISPUTED: _("reviewers differ"),
    choosing.ALONE: _("one opinion so far"),
}


@doors.for_reviewers
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """One page of what the filter finds, each pair in two lines."""
    user, asked, now = writer_of(request), doors.chosen(request), timezone.now()
    among = access.reviewed_by(user)
    places = {name: request.GET.get(name, "") for name in ("after", "before")}
    try:
        page = choosing.page(asked.pairs(among), **places, size=A_PAGE)
    except BadFilter:
        page = choosing.page(asked.pairs(among), size=A_PAGE)
    keys = auditing.ids(pair.pk for pair in page.pairs)
    auditing.note(user, "queue.viewed", now=now, filter=asked.query(), pairs=keys)
    context = {
        "desk_page": "queue",
        "asked": asked,
        "page": page,
        "rows": [row(pair) for pair in page.pairs],
        "query": asked.query(),
        "states": _states(asked),
        "chips": _chips(asked),
        "choices": _choices(),
        "most": batches.MOST,
    } | naming.decisions()
    return render(request, "desk/queue.html", context)


def row(pair: Pair) -> dict[str, object]:
    """A pair as a list tells it."""
    return {
        "pair": pair,
        "form": naming.form(pair),
        "reason": naming.reason(pair.reason),
        "chosen_lang": telling.language_of(pair.chosen_text),
        "rejected_lang": telling.language_of(pair.rejected_text),
    }


def _states(asked: Filter) -> list[dict[str, object]]:
    """Every state with its count over all pairs: one grouped walk along an index."""
    counts = dict(Pair.objects.order_by().values_list("state").annotate(n=Count("*")))
    return [
        {
            "name": label,
            "count": counts.get(value, 0),
            "query": asked.query(state=value),
            "here": asked.state == value,
        }
        for value, label in Pair.State.choices
    ]


def _chips(asked: Filter) -> list[dict[str, str]]:
    return [
        {"name": str(LABELS[name]), "value": _said(name, value), "without": asked.query(**{name: ""})}
        for name, value in asked.active.items()
    ]


def _said(name: str, value: str) -> str:
    known = {"tag": TAGS, "agreement": AGREEMENTS}.get(name, {})
    if name == "form":
        return naming.form_named(value)
    if name == "reason":
        return naming.reason(value)
    return str(known.get(value, value))


def _choices() -> dict[str, object]:
    """What the filters offer. Adapters come from the registry: a list of those in 100,000 rows would cost a page."""
    return {
        "form": [(name, naming.form_named(name)) for name in FORMS],
        "tag": list(TAGS.items()),
        "adapter": list(Adapter.objects.order_by("-created_at").values_list("name", flat=True)[:50]),
        "agreement": list(AGREEMENTS.items()),
        "reason": naming.reasons(),
    }
