"""What every template knows, and who is asking."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from writingapp import access
from writingapp.models import User

HTML_LANGUAGES = {"zh-hans": "zh-Hans", "en": "en"}


def html_lang() -> str:
    """The active language as browsers spell it."""
    return HTML_LANGUAGES.get(translation.get_language() or "", "zh-Hans")


def site(request: HttpRequest) -> dict[str, object]:
    """For the frame of the page: its language, which page it is, and whether the door is open."""
    match = request.resolver_match
    return {
        "html_lang": html_lang(),
        "page": match.view_name if match else "",
        "signup_open": settings.SIGNUP_OPEN,
        "may_review": isinstance(request.user, User) and access.is_reviewer(request.user),
        "is_principal": isinstance(request.user, User) and access.is_principal(request.user),
    }


def writer_of(request: HttpRequest) -> User:
    """The writer behind a request that has passed `login_required`."""
    assert isinstance(request.user, User)
    return request.user
