"""Sign-up as this house wants it: closed by one setting, in her own time zone, the e-mail address left to her."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from writingapp.models import User


def needs_second_step(user: User) -> bool:
    """Whether the house wants one of her that she has not set up."""
    totp = Authenticator.Type.TOTP
    return settings.STAFF_NEEDS_TOTP and user.is_staff and not is_mfa_enabled(user, [totp])


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's doorway, with our lock and our sentences."""

    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "email_taken": _("This e-mail address already belongs to an account."),
        "enter_current_password": _("This is not your password until now."),
        "incorrect_password": _("This is not your password."),
        "invalid_password_reset": _("This link does not open any more. Please ask for another."),
        "rate_limited": _("Too many tries in a short time. Please come back a little later."),
        "too_many_login_attempts": _("Too many tries in a short time. Please come back a little later."),
        "unknown_email": _("No account has this e-mail address."),
        "username_blacklisted": _("This name cannot be used. Please choose another."),
        "username_password_mismatch": _("Name and password do not go together. Nothing is lost; please try again."),
        "username_taken": _("Somebody here has this name already. Please choose another."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Name, password, and the browser's time zone, which the page fills in unseen."""

    time_zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].error_messages["invalid"] = _("This does not look like an e-mail address.")

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


def change_email(user: User, email: str) -> None:
    """As `keep_email`, and the address until now, if there was one, is told."""
    before = user.email
    keep_email(user, email)
    if before:
        get_adapter().send_mail("account/email/address_changed", before, {"username": user.get_username()})
