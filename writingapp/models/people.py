"""Writers."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A writer. Her day starts at 04:00 in `time_zone`; an empty `language` follows the browser."""

    time_zone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    indent_paragraphs = models.BooleanField(_("indent paragraphs by two characters"), default=False)
    show_clock = models.BooleanField(_("show the numbers of the countdown"), default=True)
