"""Rows told in words: how long, in which language, which line comes first."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def duration(length: timedelta) -> str:
    """As one would say it aloud: no seconds, hours only when there are some."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 1:
        return _("less than a minute")
    hours, rest = divmod(minutes, 60)
    parts = [ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}] if hours else []
    if rest:
        parts.append(ngettext("%(count)d minute", "%(count)d minutes", rest) % {"count": rest})
    return " ".join(parts)


def language_of(text: str) -> str:
    """For `lang`, so that a text gets its own glyphs and line breaks whatever the page speaks."""
    han = any("\u4e00" <= character <= "\u9fff" for character in text[:2000])
    return "zh-Hans" if han else "en"


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
