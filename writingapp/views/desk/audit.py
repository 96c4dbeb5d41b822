"""The trail, for those who may read it: who looked at what, and who decided what."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from writingapp.models import AuditEvent
from writingapp.services import auditing
from writingapp.views.context import writer_of
from writingapp.views.desk import doors

A_PAGE = 100
SHOWN = 12  # ids of pairs named in a row; the rest are counted


@dataclass(frozen=True)
class Entry:
    """An event as the page tells it."""

    event: AuditEvent
    action: str
    facts: list[tuple[str, str]]


@doors.for_auditors
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Newest first; filtered by who, what and about what."""
    user = writer_of(request)
    asked = {name: request.GET.get(name, "").strip()[:100] for name in ("actor", "action", "subject")}
    found = AuditEvent.objects.select_related("actor")
    for name, lookup in (("actor", "actor__username"), ("action", "action"), ("subject", "subject")):
        if asked[name]:
            found = found.filter(**{lookup: asked[name]})
    below = request.GET.get("below", "")
    if below.isascii() and below.isdigit() and len(below) < 19:
        found = found.filter(pk__lt=int(below))
    events = list(found[: A_PAGE + 1])
    auditing.note(
        user,
        "audit.viewed",
        now=timezone.now(),
        filter=urlencode({name: value for name, value in asked.items() if value}),
    )
    context = {
        "desk_page": "audit",
        "asked": asked,
        "entries": [_entry(event) for event in events[:A_PAGE]],
        "actions": auditing.ACTIONS.items(),
        "older": urlencode(asked | {"below": events[A_PAGE - 1].pk}) if len(events) > A_PAGE else "",
    }
    return render(request, "desk/audit.html", context)


def _entry(event: AuditEvent) -> Entry:
    action = str(auditing.ACTIONS.get(event.action, event.action))
    return Entry(event, action, [(name, _told(value)) for name, value in event.detail.items() if value])


def _told(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    shown = ", ".join(str(each) for each in value[:SHOWN])
    return f"{shown} … ({len(value)})" if len(value) > SHOWN else shown
