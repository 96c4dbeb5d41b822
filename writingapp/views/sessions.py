"""One session: the page she writes on, its end, and what she finds there afterwards."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from writingapp import access
from writingapp.models import Candidate, Inspiration, WritingSession
from writingapp.models.feedback import TAGS
from writingapp.models.sessions import MANUSCRIPT_LIMIT
from writingapp.services import almanac, lateness, manuscripts, sessions, swapping
from writingapp.views import chooser, telling, words
from writingapp.views.context import writer_of

FINISHED = WritingSession.State.FINISHED
Status = Candidate.Status
STATES: dict[str, str] = {  # the keys of `words`
    Status.QUEUED: "queued",
    Status.RUNNING: "writing",
    Status.DONE: "written",
    Status.STOPPED: "stopped",
    Status.FAILED: "failed",
    Status.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True)
class Told:
    """An inspiration as the finished page tells it."""

    title: str
    wish: str
    wish_lang: str
    lang: str
    candidates: list[tuple[Candidate, str, str]]  # each with its state in words, and its text with the lines she chose


@login_required
@require_safe
@ensure_csrf_cookie  # its scripts read the token there
def session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Where she writes. A session that is over shows what came of it."""
    sitting = access.session_for(writer_of(request), session_id)
    if sitting.state == FINISHED:
        return redirect("finished", session_id=sitting.pk)
    said = words.words()
    return render(
        request,
        "session/session.html",
        {
            "session": sitting,
            "theme_lang": telling.language_of(sitting.theme),
            "words": said,
            "groups": chooser.groups(),
            "rhymes": chooser.rhymes(),
            "tags": list(TAGS),
            "limit": MANUSCRIPT_LIMIT,
            "socket_path": f"/ws/sessions/{sitting.pk}/?language={get_language()}",
            "finish_url": reverse("finish", kwargs={"session_id": sitting.pk}),
            "finished_url": reverse("finished", kwargs={"session_id": sitting.pk}),
        },
    )


@login_required
@require_POST
def finish(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """End it by form, for a page whose socket cannot."""
    sitting = access.session_for(writer_of(request), session_id)
    sessions.finish(session=sitting, now=timezone.now())
    return redirect("finished", session_id=sitting.pk)


@login_required
@require_safe
def finished(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """What she wrote, how long, and what the model brought."""
    user = writer_of(request)
    sitting = access.session_for(user, session_id)
    if sitting.state != FINISHED:
        return redirect("session", session_id=sitting.pk)
    on_time = manuscripts.text_at(session=sitting, rev=sitting.on_time_rev)
    return render(
        request,
        "session/finished.html",
        {
            "session": sitting,
            "theme_lang": telling.language_of(sitting.theme),
            "term_name": almanac.term_on(sitting.day).name.said_in(get_language() or ""),
            "duration": telling.duration(sitting.written_for(timezone.now())),
            "paragraphs": lateness.paragraphs(on_time=on_time, text=sitting.text) if sitting.text else [],
            "text_lang": telling.language_of(sitting.text),
            "late": on_time != sitting.text,
            "inspirations": _inspirations(sitting),
            "photos": sitting.photos.filter(kept=True),
            "indent": user.indent_paragraphs,
        },
    )


def _inspirations(sitting: WritingSession) -> list[Told]:
    said = words.words()
    kept = swapping.kept_lines(inspiration__session=sitting)
    asked = sitting.inspirations.filter(of=None).defer("messages").prefetch_related("candidates")
    return [
        Told(
            title=said[f"form_{one.form}" if one.form else f"kind_{one.kind}"],
            wish=one.wish,
            wish_lang=telling.language_of(one.wish),
            candidates=[
                (made, said[STATES[made.status]], swapping.with_lines(made.text, kept.get(made.pk, {})))
                for made in one.candidates.all()
            ],
            lang=_lang(one),
        )
        for one in asked
    ]


def _lang(asked: Inspiration) -> str:
    """For `lang`: the script that she asked for, so that the text gets its own glyphs."""
    if not asked.language.startswith("zh"):
        return "en"
    return "zh-Hant" if asked.options.get("script") == "hant" else "zh-Hans"
