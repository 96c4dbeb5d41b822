"""Deleting an account: what goes with it is said first, and the password asked for."""

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from writingapp.refusals import Refusal
from writingapp.services import leaving
from writingapp.views.context import writer_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Say what would go; on her word and her password, let it go."""
    user = writer_of(request)
    if request.method != "POST":
        return render(request, "account/leave.html", {"mornings": user.sessions.count()})
    raise_if_reauthentication_required(request, app="account")
    try:
        leaving.leave(user=user, now=timezone.now())
    except Refusal as no:
        messages.error(request, no.sentence)
        return redirect("leave")
    logout(request)  # her sockets hear of it
    messages.success(request, _("Your account is deleted, with all that was in it."))
    return redirect("today")
