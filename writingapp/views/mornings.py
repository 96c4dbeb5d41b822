"""All her mornings, newest first, by month."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from writingapp import access
from writingapp.services import almanac
from writingapp.views import telling
from writingapp.views.context import writer_of

A_PAGE = 30
LOOKED_AT = 400  # characters in which the first line is sought: a list must not fetch whole manuscripts


@login_required
@require_safe
def mornings(request: HttpRequest) -> HttpResponse:
    """One page of them; a page that does not exist is the nearest that does."""
    own = access.sessions_of(writer_of(request)).defer("text").annotate(opening=Substr("text", 1, LOOKED_AT))
    page = Paginator(own.order_by("-day", "-started_at"), A_PAGE).get_page(request.GET.get("page"))
    language, now = get_language() or "", timezone.now()
    rows = [
        {
            "session": sitting,
            "theme_lang": telling.language_of(sitting.theme),
            "first_line": (line := telling.first_line(sitting.opening)),
            "line_lang": telling.language_of(line),
            "term": almanac.term_on(sitting.day).name.said_in(language),
            "duration": telling.duration(sitting.written_for(now)),
            "month": sitting.day.replace(day=1),
        }
        for sitting in page
    ]
    return render(request, "mornings/mornings.html", {"rows": rows, "pages": page})
