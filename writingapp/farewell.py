"""A logout closes her sockets too, on every web process."""

import logging

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from redis import Redis
from redis.exceptions import RedisError

from writingapp.models import User
from writingapp.stream import PERSON, Live, pack

logger = logging.getLogger(__name__)


def tell_sockets() -> None:
    """From now on, say so when somebody logs out. Her other logins come back by themselves."""
    user_logged_out.connect(_say, dispatch_uid="farewell")


def _say(user: User | None, **_: object) -> None:
    if user is None:
        return
    try:
        with Redis.from_url(settings.REDIS_LOG, socket_timeout=2, socket_connect_timeout=2) as redis:
            redis.publish(PERSON + str(user.pk), pack(Live("farewell", "-", 0, 0, 0, b"")))
    except RedisError as fault:  # the sockets look for themselves within a minute
        logger.warning("sockets were not told of a logout (%s)", type(fault).__name__)
