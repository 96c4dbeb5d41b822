"""The ledger: each of her ratings, what became of it, and what she can do about it."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from writingapp import access
from writingapp.models import Inspiration, Rating
from writingapp.models.feedback import TAGS
from writingapp.refusals import Refusal
from writingapp.services import fates, rating, recalling
from writingapp.views import telling, words
from writingapp.views.context import writer_of

A_PAGE = 20
Fate = Rating.Fate

FILTERS = {
    "": (gettext_lazy("All"), Q()),
    "waiting": (gettext_lazy("Waiting"), Q(fate__in=[Fate.WAITING, Fate.HELD, Fate.PAIRED, Fate.APPROVED])),
    "trained": (gettext_lazy("Trained on"), Q(fate=Fate.TRAINED)),
    "withdrawn": (gettext_lazy("Taken back"), Q(fate=Fate.WITHDRAWN)),
}


@login_required
@require_safe
def ratings(request: HttpRequest) -> HttpResponse:
    """One page of them, newest first; a filter that does not exist is none."""
    own = access.ratings_of(writer_of(request))
    asked = request.GET.get("show", "")
    show = asked if asked in FILTERS else ""
    found = fates.with_fates(own.filter(FILTERS[show][1])).order_by("-created_at", "-pk")
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [_row(fates.entry(each)) for each in page],
        "pages": page,
        "show": show,
        "filters": [(key, name) for key, (name, _) in FILTERS.items()],
        "any": bool(page.object_list) or own.exists(),
        "standing": own.filter(withdrawn_at=None).exists(),
    }
    return render(request, "ratings/ledger.html", context)


def _row(told: fates.Entry) -> dict[str, object]:
    said, row = words.words(), told.rating
    asked = row.inspiration
    whole = asked.form and asked.kind != Inspiration.Kind.SWAP
    title = f"form_{asked.form}" if whole else f"kind_{asked.kind}"
    return {
        "told": told,
        "title": said.get(title, asked.get_kind_display()),
        "wish_lang": telling.language_of(asked.wish),
        "lang": "zh-Hans" if asked.language.startswith("zh") else "en",
        "stars": said["star"].replace("{n}", str(row.score)) if row.score else "",
        "tags": [TAGS[tag] for tag in row.tags if tag in TAGS],
        "may_change": row.withdrawn_at is None,
    }


@login_required
@require_POST
def withdraw(request: HttpRequest, rating_id: uuid.UUID) -> HttpResponse:
    """Take one back."""
    rating.withdraw(rating=access.rating_for(writer_of(request), rating_id), now=timezone.now())
    messages.success(request, _("Taken back. No pair of it trains any more."))
    return _back(request)


@login_required
@require_POST
def allow(request: HttpRequest, rating_id: uuid.UUID) -> HttpResponse:
    """Let one train, or no longer."""
    consent = request.POST.get("consent") == "yes"
    row = access.rating_for(writer_of(request), rating_id)
    try:
        rating.allow(rating=row, consent=consent, now=timezone.now())
    except Refusal as no:
        messages.error(request, no.sentence)
    else:
        messages.success(
            request,
            _("This rating may train the model.") if consent else _("This rating does not train the model."),
        )
    return _back(request)


@login_required
@require_POST
def again(request: HttpRequest, rating_id: uuid.UUID) -> HttpResponse:
    """The same two once more. `choice` is a candidate's id, `tie` or `both_bad`."""
    user, said, now = writer_of(request), request.POST.get("choice", ""), timezone.now()
    row = access.rating_for(user, rating_id)
    inspiration = row.inspiration
    none_better = said in (Rating.Kind.TIE, Rating.Kind.BOTH_BAD)
    better = None if none_better else access.candidate_for(user, inspiration.session_id, said)
    kind = said if none_better else Rating.Kind.PREFER
    try:
        if recalling.to_show_again(user=user, now=now) != row:
            raise Refusal("not_again", str(row.pk))
        rating.compare(user=user, inspiration=inspiration, kind=kind, better=better, tags=None, now=now, again=True)
    except Refusal as no:
        messages.error(request, no.sentence)
    else:
        messages.success(request, _("Kept. It shows how steady a judgement is, and trains nothing."))
    return redirect("today")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_all(request: HttpRequest) -> HttpResponse:
    """All of them, once she has said so twice."""
    user = writer_of(request)
    if request.method != "POST":
        count = access.ratings_of(user).filter(withdrawn_at=None).count()
        return render(request, "ratings/withdraw.html", {"count": count})
    count = rating.withdraw_all(user=user, now=timezone.now())
    messages.success(
        request,
        ngettext("%(count)d rating was taken back.", "%(count)d ratings were taken back.", count) % {"count": count},
    )
    return redirect("ratings")


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """All of hers as a file, texts included."""
    own = access.ratings_of(writer_of(request)).select_related("inspiration").order_by("created_at", "pk")
    told = [recalling.told(row) for row in own.prefetch_related("inspiration__candidates")]
    name = f"bailu-ratings-{timezone.localdate():%Y-%m-%d}.json"
    return JsonResponse(
        {"format": 1, "ratings": told},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )


def _back(request: HttpRequest) -> HttpResponse:
    """To the page of the ledger that she came from."""
    back = request.POST.get("back", "")
    here = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/ratings/")
    return redirect(back if here else "ratings")
