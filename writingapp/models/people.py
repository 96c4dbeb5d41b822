"""Writers."""

import secrets

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


def pseudonym() -> str:
    """Eight letters and digits that tell nothing of her, and are not mistaken for one another."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(8))


class User(AbstractUser):
    """A writer. Her day starts at 04:00 in `time_zone`; an empty `language` follows the browser."""

    time_zone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    indent_paragraphs = models.BooleanField(_("indent paragraphs by two characters"), default=False)
    rates = models.BooleanField(_("show what is needed to rate texts"), default=True)
    consents = models.BooleanField(_("let new ratings be used to train"), null=True, default=None)  # empty: not asked
    consent_asked_at = models.DateTimeField(null=True, blank=True)
    pseudonym = models.CharField(max_length=20, unique=True, default=pseudonym)  # what staff call her
    show_clock = models.BooleanField(_("show the numbers of the countdown"), default=True)
