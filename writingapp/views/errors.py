"""When something is not as hoped: what happened, what is safe, and what to do."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from writingapp import refusals
from writingapp.views.context import html_lang

RETRY_AFTER = "10"  # seconds


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        400,
        _("This could not be read"),
        _("The browser sent something we do not understand. Nothing was changed; what you wrote is safe."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        403,
        _("This door is not yours"),
        _("Your account may not open this page. What you wrote is safe."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        404,
        _("There is nothing here"),
        _("The address may be mistyped, or the page is gone. Your manuscripts are all under Mornings."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        _("This page had grown old"),
        _(
            "It was open for too long, or cookies are switched off, so we did not accept what it sent. "
            "Nothing was changed. Go back, reload the page and try once more."
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _bare(
        500,
        _("Something broke on our side"),
        _(
            "What was shown as saved is saved; what was not yet sent is still on your device. "
            "Wait a moment and reload the page."
        ),
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    """A part we depend on does not answer. Programs get the same as a code."""
    if request.path.startswith("/api/"):
        body = {"code": "unavailable", "message": refusals.sentence("unavailable")}
        return JsonResponse(body, status=503, headers={"Retry-After": RETRY_AFTER})
    response = _bare(
        503,
        _("Not just now"),
        _("A part of the house does not answer. What was shown as saved is saved. Please try again in a moment."),
    )
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    return render(request, "errors/error.html", {"error_title": title, "sentence": sentence}, status=status)


def _bare(status: int, title: str, sentence: str) -> HttpResponse:
    """Without the user and the session: the database may be what is away."""
    words = {"error_title": title, "sentence": sentence, "html_lang": html_lang()}
    return HttpResponse(render_to_string("errors/bare.html", words), status=status)
