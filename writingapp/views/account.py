"""How she wants the house: language, clock, page, ratings, address."""

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from writingapp.accounts import change_email
from writingapp.forms import AccountForm, time_zones
from writingapp.models import User
from writingapp.services import rating
from writingapp.views.context import writer_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show and keep her settings."""
    # A copy of the row: a form that is refused must not have changed the user that the frame of the page shows.
    user = User.objects.get(pk=writer_of(request).pk)
    initial = {"email": user.email, "may_train": user.consents is True}
    form = AccountForm(request.POST or None, instance=user, initial=initial)
    if form.is_bound and form.is_valid():
        return _keep(request, form)
    context = {"form": form, "zones": time_zones(), "now": timezone.localtime()}
    return render(request, "account/settings.html", context, status=422 if form.is_bound else 200)


def _keep(request: HttpRequest, form: AccountForm) -> HttpResponse:
    moved = form.cleaned_data["email"].lower() != form.instance.email.lower()
    if moved:  # whoever has the address has the account: a page left open is not enough to move it
        raise_if_reauthentication_required(request, app="account")
    user = form.save()
    if moved:
        change_email(user, form.cleaned_data["email"])
    if form.cleaned_data["may_train"] != (user.consents is True):
        rating.answer(user=user, consents=form.cleaned_data["may_train"], now=timezone.now())
    # Said in the language she has just chosen.
    with translation.override(user.language or translation.get_language_from_request(request)):
        messages.success(request, _("Saved."))
    return redirect("account")
