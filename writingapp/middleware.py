"""What every page owes the writer: her language, her clock, her privacy, and a calm word when Redis is away."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

from writingapp.models import User
from writingapp.services import almanac
from writingapp.views import errors

log = logging.getLogger(__name__)
LANGUAGES = frozenset(code for code, _ in settings.LANGUAGES)


class WriterMiddleware(MiddlewareMixin):
    """The language of her account, else of her cookie or browser; her time zone; nothing of hers in any cache."""

    def process_request(self, request: HttpRequest) -> None:
        user = request.user
        chosen = user.language if isinstance(user, User) else ""
        translation.activate(chosen if chosen in LANGUAGES else translation.get_language_from_request(request))
        if isinstance(user, User):
            timezone.activate(almanac.zone_of(user.time_zone))
        else:
            timezone.deactivate()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Login counts its failures in the cache: without it the door stays shut, with a sentence."""
        if not isinstance(exception, RedisAway | RedisSilent):
            return None
        log.error("Redis does not answer: %s", type(exception).__name__)
        return errors.unavailable(request)
