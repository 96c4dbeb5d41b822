"""Sign-up as this house wants it: closed by one setting, in her own time zone, the e-mail address left to her."""

from zoneinfo import available_timezones

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from writingapp.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's doorway, with our lock."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Name, password, and the browser's time zone, which the page fills in unseen."""

    time_zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))

    def clean_time_zone(self) -> str:
        """A zone the browser cannot tell, or nobody knows, is the house's own."""
        told = str(self.cleaned_data["time_zone"])
        return told if told in available_timezones() else settings.TIME_ZONE

    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        user.time_zone = self.cleaned_data["time_zone"]
        user.save(update_fields=["time_zone"])
        return user


@transaction.atomic
def keep_email(user: User, email: str) -> None:
    """Her address, or none. allauth looks in a table of its own when she has lost her password."""
    user.email = email
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).exclude(email__iexact=email).delete()
    if email and not EmailAddress.objects.filter(user=user).exists():
        EmailAddress.objects.create(user=user, email=email.lower(), primary=True, verified=False)
