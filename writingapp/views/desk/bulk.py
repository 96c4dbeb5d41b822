"""Many at once: chosen by filter or by ticks, previewed, confirmed, and taken back whole."""

import uuid

from django.contrib import messages
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from writingapp import access
from writingapp.models import Pair, Review, User
from writingapp.refusals import Refusal
from writingapp.services import auditing, batches, reviewing
from writingapp.services.choosing import Filter, is_key
from writingapp.views.context import writer_of
from writingapp.views.desk import doors, naming
from writingapp.views.desk.queue import row


@doors.for_reviewers
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """First the preview; then, with its digest, the deciding of exactly what it showed."""
    user, asked = writer_of(request), doors.chosen(request)
    decision, reason = request.POST.get("decision", ""), request.POST.get("why", "")
    found = _found(request, user, asked)
    try:
        reviewing.checked(decision, reason)
        if "digest" not in request.POST:
            return _preview(request, user, asked, found)
        batch, count = batches.decide(
            found=found, expected=request.POST["digest"], reviewer=user,
            decision=decision, reason=reason, now=timezone.now(),
        )  # fmt: skip
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
        return doors.to(reverse("desk"), asked.query())
    said = ngettext("%(count)d pair was decided.", "%(count)d pairs were decided.", count) % {"count": count}
    messages.success(request, said)
    return redirect("desk_batch", batch_id=batch)


def _found(request: HttpRequest, user: User, asked: Filter) -> QuerySet[Pair]:
    """What is ticked, or else all that the filter finds."""
    found = asked.pairs(access.reviewed_by(user))
    ticked = [key for key in request.POST.getlist("pair") if is_key(key)]
    return found if request.POST.get("all") else found.filter(pk__in=ticked)


def _preview(request: HttpRequest, user: User, asked: Filter, found: QuerySet[Pair]) -> HttpResponse:
    seen = batches.preview(found)
    if not seen.keys:
        raise Refusal("batch_empty")
    sample = auditing.ids(pair.pk for pair in seen.sample)
    auditing.note(user, "batch.previewed", now=timezone.now(), filter=asked.query(), pairs=sample)
    decision, reason = request.POST["decision"], request.POST.get("why", "")
    context = {
        "desk_page": "bulk",
        "asked": asked,
        "query": asked.query(),
        "seen": seen,
        "rows": [row(pair) for pair in seen.sample],
        "state": Pair.State(asked.state).label,
        "decision": decision,
        "deciding": Review.Decision(decision).label,
        "why": reason,
        "reason": naming.reason(reason) if decision == Review.Decision.DISCARD else "",
        "all": request.POST.get("all", ""),
        "ticked": [] if request.POST.get("all") else seen.keys,
        "most": batches.MOST,
    }
    return render(request, "desk/bulk.html", context)


@doors.for_reviewers
@require_safe
def batches_of(request: HttpRequest) -> HttpResponse:
    """Her batches, newest first."""
    own = Review.objects.filter(reviewer=writer_of(request)).exclude(batch=None).order_by()
    told = own.values("batch", "decision", "reason").annotate(
        at=Min("created_at"), count=Count("*"), standing=Count("pk", filter=Q(undone_at=None))
    )
    rows = [
        each | {"decision": Review.Decision(each["decision"]).label, "reason": naming.reason(each["reason"])}
        for each in told.order_by("-at")[:50]
    ]
    return render(request, "desk/batches.html", {"desk_page": "batches", "rows": rows})


@doors.for_reviewers
@require_safe
def batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """One batch of hers: what it decided, and the way back."""
    own = Review.objects.filter(batch=batch_id, reviewer=writer_of(request))
    first = own.first()
    if first is None:
        raise access.NotHere
    context = {
        "desk_page": "batches",
        "first": first,
        "reason": naming.reason(first.reason),
        "count": own.count(),
        "standing": own.filter(undone_at=None).count(),
    }
    return render(request, "desk/batch.html", context)


@doors.for_reviewers
@require_POST
def undo_batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Whole, or not at all."""
    user = writer_of(request)
    if not Review.objects.filter(batch=batch_id, reviewer=user).exists():
        raise access.NotHere
    try:
        count = batches.undo(batch=batch_id, reviewer=user, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    else:
        said = ngettext("%(count)d decision was taken back.", "%(count)d decisions were taken back.", count)
        messages.success(request, said % {"count": count})
    return redirect("desk_batch", batch_id=batch_id)
