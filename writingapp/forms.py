"""What a writer fills in: how to start, and how she wants the house."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from writingapp.models import User
from writingapp.models.sessions import MANUSCRIPT_LIMIT
from writingapp.services.sessions import MOST_MINUTES

OTHER, UNLIMITED = "other", "none"


class StartForm(forms.Form):
    """Theme, time and goal of a session. `minutes()` and `theme()` say what the choices come to."""

    LENGTHS: ClassVar = [
        *((str(minutes), str(minutes)) for minutes in (5, 10, 15, 25)),
        (OTHER, _("Other")),
        (UNLIMITED, _("No limit")),
    ]

    suggestion = forms.CharField(required=False, max_length=200)
    own_theme = forms.CharField(
        required=False,
        max_length=200,
        error_messages={"max_length": _("A theme has at most 200 characters; this one has %(show_value)d.")},
    )
    length = forms.ChoiceField(
        choices=LENGTHS,
        error_messages={
            "required": _("Choose how long you want to write."),
            "invalid_choice": _("Choose one of these."),
        },
    )
    other_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        error_messages={
            "invalid": _("Write the minutes as a whole number."),
            "min_value": _("One minute is the least."),
            "max_value": _("180 minutes are the most. For longer, choose no limit."),
        },
    )
    goal = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MANUSCRIPT_LIMIT,
        error_messages={
            "invalid": _("Write the goal as a whole number."),
            "min_value": _("A goal is at least one character. Leave it empty to write without one."),
            "max_value": _("A manuscript holds 500,000 characters; choose a goal below that."),
        },
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("length") == OTHER and "other_minutes" in data and data["other_minutes"] is None:
            self.add_error("other_minutes", _("How many minutes? Anything from 1 to 180."))
        return data

    def minutes(self) -> int | None:
        length = self.cleaned_data["length"]
        if length == UNLIMITED:
            return None
        return int(self.cleaned_data["other_minutes"] if length == OTHER else length)

    def theme(self) -> str:
        """Her own theme before ours, on one line."""
        return " ".join((self.cleaned_data["own_theme"] or self.cleaned_data["suggestion"]).split())


def length_of(minutes: int | None) -> dict[str, str | int]:
    """Initial values that choose this many minutes."""
    if minutes is None:
        return {"length": UNLIMITED}
    if str(minutes) in dict(StartForm.LENGTHS):
        return {"length": str(minutes)}
    return {"length": OTHER, "other_minutes": minutes}


if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:  # takes no parameter at run time
    UserForm = forms.ModelForm


class AccountForm(UserForm):
    """Her language, clock and page."""

    email = forms.EmailField(
        required=False, max_length=254, error_messages={"invalid": _("This does not look like an e-mail address.")}
    )
    may_train = forms.BooleanField(required=False)
    language = forms.ChoiceField(
        required=False,
        choices=[("", _("The browser’s")), ("zh-hans", "中文"), ("en", "English")],
    )

    class Meta:
        model = User
        fields = ["language", "time_zone", "indent_paragraphs", "show_clock", "rates"]

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        if zone not in available_timezones():
            raise forms.ValidationError(_("There is no time zone of this name. Choose one from the list."))
        return zone


def time_zones(now: datetime | None = None) -> list[tuple[str, str]]:
    """The zones people live in, each with its distance from UTC at this moment."""
    return _zones_in((now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=4)
def _zones_in(hour: datetime) -> list[tuple[str, str]]:
    regions = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    names = sorted(name for name in available_timezones() if name.startswith(regions))
    return [(name, f"UTC{hour.astimezone(ZoneInfo(name)):%z}"[:9]) for name in [*names, "UTC"]]
