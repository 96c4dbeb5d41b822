"""One pair: both texts, what is known of them, and the reviewer's word. Of the ask only what she asked for is shown."""

import uuid
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from inference.verse.check import Verdict
from inference.verse.judging import verdict_of
from inference.verse.options import Options
from writingapp import access
from writingapp.models import Candidate, Pair
from writingapp.models.feedback import TAGS
from writingapp.refusals import Refusal
from writingapp.services import auditing, choosing, reviewing, swapping
from writingapp.services.choosing import Filter
from writingapp.views import telling
from writingapp.views.context import writer_of
from writingapp.views.desk import doors, naming

DRAWN = ("temperature", "top_p", "min_p", "repetition_penalty", "presence_penalty", "max_tokens", "seed")


@dataclass(frozen=True)
class Side:
    """One of the two texts as the page tells it: in pieces, each (whether the other text has it too, the piece)."""

    title: str
    pieces: list[tuple[bool, str]]
    lang: str
    verdict: Verdict | None
    candidate: Candidate
    drawn: list[tuple[str, object]]
    seconds: float | None


@doors.for_reviewers
@require_safe
def pair(request: HttpRequest, pair_id: uuid.UUID) -> HttpResponse:
    """Both texts side by side, and what may be done with them."""
    user, asked, now = writer_of(request), doors.chosen(request), timezone.now()
    row = access.pair_for(user, pair_id)
    auditing.note(user, "pair.viewed", f"pair:{row.pk}", now=now)
    before, after = choosing.neighbours(asked.pairs(access.reviewed_by(user)), row)
    address, query = reverse("desk_pair", kwargs={"pair_id": row.pk}), asked.query()
    context = {
        "desk_page": "pair",
        "pair": row,
        "asked": asked,
        "query": query,
        "address": address,
        "before": before and f"{reverse('desk_pair', kwargs={'pair_id': before.pk})}?{query}",
        "after": after and f"{reverse('desk_pair', kwargs={'pair_id': after.pk})}?{query}",
        "sides": sides(row),
        "form": naming.form(row),
        "source": naming.source(row.source),
        "reason": naming.reason(row.reason),
        "tags": [TAGS.get(tag, tag) for tag in row.tags],
        "chips": row.inspiration.chips,
        "reviews": list(row.reviews.filter(undone_at=None).select_related("reviewer").order_by("created_at")),
    } | naming.decisions()
    return render(request, "desk/pair.html", context)


@doors.for_reviewers
@require_POST
def decide(request: HttpRequest, pair_id: uuid.UUID) -> HttpResponse:
    """Her word, and on to the next; a skip is a word too, so that the trail is whole."""
    user, asked, now = writer_of(request), doors.chosen(request), timezone.now()
    row = access.pair_for(user, pair_id)
    _before, after = choosing.neighbours(asked.pairs(access.reviewed_by(user)), row)
    decision, reason = request.POST.get("decision", ""), request.POST.get("why", "")
    try:
        reviewing.decide(pair=row, reviewer=user, decision=decision, reason=reason, now=now)
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
        return doors.to(reverse("desk_pair", kwargs={"pair_id": row.pk}), asked.query())
    return _onward(request, after, asked)


@doors.for_reviewers
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take the last word back, and show the pair it was about."""
    user, asked = writer_of(request), doors.chosen(request)
    try:
        row = reviewing.undo(reviewer=user, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
        return doors.to(reverse("desk"), asked.query())
    messages.success(request, _("Taken back."))
    return doors.to(reverse("desk_pair", kwargs={"pair_id": row.pk}), asked.query())


def _onward(request: HttpRequest, after: Pair | None, asked: Filter) -> HttpResponse:
    if after is None:
        messages.success(request, _("That was the last one of this list."))
        return doors.to(reverse("desk"), asked.query())
    return redirect(f"{reverse('desk_pair', kwargs={'pair_id': after.pk})}?{asked.query()}")


def sides(row: Pair) -> list[Side]:
    """The better one first; what only one of them has is marked."""
    chosen, rejected = swapping.within(row.chosen), swapping.within(row.rejected)
    ours, theirs = compared(chosen, rejected)
    return [
        _side(_("Chosen"), ours, chosen, row, row.chosen),
        _side(_("Rejected"), theirs, rejected, row, row.rejected),
    ]


def _side(title: str, pieces: list[tuple[bool, str]], text: str, row: Pair, candidate: Candidate) -> Side:
    options = Options.of(candidate.sampling.get("constraint", {}).get("options", {}))
    if of := row.inspiration.of:  # another line in the place of one of this poem
        options = swapping.asked_still(options, of.text, text)
    begun, ended = candidate.started_at, candidate.finished_at
    return Side(
        title=title,
        pieces=pieces,
        lang=telling.language_of(text),
        verdict=verdict_of(row.form, text, row.language, options),
        candidate=candidate,
        drawn=[(name, candidate.sampling[name]) for name in DRAWN if name in candidate.sampling],
        seconds=(ended - begun).total_seconds() if begun and ended else None,
    )


def compared(one: str, other: str) -> tuple[list[tuple[bool, str]], list[tuple[bool, str]]]:
    """Both texts cut into pieces, character by character: (True, what both have) or (False, what this one has)."""
    ours: list[tuple[bool, str]] = []
    theirs: list[tuple[bool, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        ours += [(kind == "equal", one[a:b])] * (a < b)
        theirs += [(kind == "equal", other[c:d])] * (c < d)
    return ours, theirs
