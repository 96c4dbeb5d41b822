"""The first page: what day it is, what there is to write about, and one button."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from writingapp import access
from writingapp.forms import StartForm, length_of
from writingapp.models import User, WritingSession
from writingapp.services import almanac, recalling, sessions
from writingapp.views import telling

A_DOUBLE_CLICK = timedelta(seconds=10)
USUAL_MINUTES = 10
MOST_UNFINISHED = 3


@require_http_methods(["GET", "HEAD", "POST"])
def today(request: HttpRequest) -> HttpResponse:
    """Hers when she is logged in; else a front page that says what this is."""
    user, now = request.user, timezone.now()
    if not isinstance(user, User):
        if request.method == "POST":
            return redirect_to_login(request.get_full_path())
        return render(request, "today/front.html", _calendar(settings.TIME_ZONE, now))
    form = StartForm(request.POST) if request.method == "POST" else StartForm(initial=_usual(user))
    if form.is_bound and form.is_valid():
        return redirect("session", session_id=_start_once(user, form, now).pk)
    return render(request, "today/today.html", _desk(request, user, form, now), status=422 if form.is_bound else 200)


def _calendar(zone: str, now: datetime) -> dict[str, object]:
    language = get_language() or settings.LANGUAGE_CODE
    day = almanac.writer_day(zone, now)
    term = almanac.term_on(day)
    return {
        "day": day,
        "term": term,
        "term_name": term.name.said_in(language),
        "next_term": term.next_name.said_in(language),
        "themes": [theme.said_in(language) for theme in almanac.themes_for(day)],
    }


def _desk(request: HttpRequest, user: User, form: StartForm, now: datetime) -> dict[str, object]:
    calendar = _calendar(user.time_zone, now)
    unfinished = access.sessions_of(user).exclude(state=WritingSession.State.FINISHED).defer("text")
    for_now = unfinished.order_by("-started_at")[:MOST_UNFINISHED]
    themes = calendar["themes"]
    assert isinstance(themes, list)
    turned = _turned_to(request, len(themes))
    suggestion = form["suggestion"].value() or themes[turned]
    return {
        **calendar,
        "form": form,
        "again": recalling.to_show_again(user=user, now=now),
        "suggestion": suggestion,
        "next_theme": (turned + 1) % len(themes),
        "suggestion_lang": telling.language_of(suggestion),
        "unfinished": [
            {"session": one, "today": one.day == calendar["day"], "lang": telling.language_of(one.theme)}
            for one in for_now
        ],
    }


def _turned_to(request: HttpRequest, among: int) -> int:
    """Which theme of the term she has turned to, for a page without scripts."""
    told = request.GET.get("theme", "")
    return int(told) % among if told.isascii() and told.isdigit() and len(told) < 4 else 0


def _usual(user: User) -> dict[str, str | int]:
    """As long as last time."""
    last = access.sessions_of(user).defer("text").order_by("-started_at").first()
    return length_of(last.minutes if last else USUAL_MINUTES)


@transaction.atomic
def _start_once(user: User, form: StartForm, now: datetime) -> WritingSession:
    """A button pressed twice starts one session. The lock on her row makes the second press wait for the first."""
    User.objects.select_for_update().get(pk=user.pk)
    minutes, theme, goal = form.minutes(), form.theme(), form.cleaned_data["goal"]
    same = access.sessions_of(user).filter(
        state=WritingSession.State.RUNNING,
        started_at__gt=now - A_DOUBLE_CLICK,
        rev=0,
        minutes=minutes,
        theme=theme,
        goal=goal,
    )
    return same.first() or sessions.start(user=user, minutes=minutes, theme=theme, goal=goal, now=now)
