"""Who stands behind a socket, and in which language to speak to her. Asked at the start and again now and then."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils import timezone, translation

from writingapp import statements
from writingapp.models import User

_Store = import_module(settings.SESSION_ENGINE).SessionStore


def visitor(scope: Mapping[str, Any]) -> tuple[User | None, str]:
    """The writer, if she is logged in now, and the language of her page. Reads the database.

    A page says its own: what a browser tells with a socket need not be what it told with the page.
    """
    request = _request(scope)
    request.session = _Store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    (said,) = parse_qs(scope["query_string"].decode("latin-1")).get("language", [""])[:1]
    spoken = said if said in dict(settings.LANGUAGES) else ""
    if not isinstance(user, User) or not user.is_active:
        return None, spoken or translation.get_language_from_request(request)
    return user, spoken or user.language or translation.get_language_from_request(request)


def stands(scope: Mapping[str, Any], user: User) -> bool:
    """Whether all is as when `visitor` answered her, in one statement: every open socket asks once a minute."""
    key = _request(scope).COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return statements.login_stands(key, user, timezone.now())


def _request(scope: Mapping[str, Any]) -> HttpRequest:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", ""))  # the pages' own: one odd cookie spoils no other
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", "")
    return request
