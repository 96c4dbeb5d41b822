"""Whoever leaves takes everything along: rows, photographs, and what nights have learnt from her."""

from datetime import datetime

from django.db.models import ProtectedError

from writingapp.models import User
from writingapp.refusals import Refusal
from writingapp.services import rating
from writingapp.services.durable import durably


def leave(*, user: User, now: datetime) -> None:
    """Delete her account and all that hangs on it; adapters that saw a word of hers are retired, and their files go.

    A night that is learning from her sees that her pairs are gone, and ends. Raises Refusal: stands_in_trail.
    """
    try:
        with durably():
            rating.withdraw_all(user=user, now=now)
            User.objects.get(pk=user.pk).delete()
    except ProtectedError as kept:  # reviews and the trail keep the names of those who decided
        raise Refusal("stands_in_trail") from kept
