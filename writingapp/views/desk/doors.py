"""Who may come to the desk, and how its pages are told what was filtered."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from writingapp import access
from writingapp.accounts import needs_second_step
from writingapp.models import Pair, User
from writingapp.services.choosing import BadFilter, Filter
from writingapp.views.context import writer_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def _kept(may: Callable[[User], bool]) -> Callable[[View[P]], View[P]]:
    """Nobody else learns that there is a desk; staff without a second factor are led to it where the house asks."""

    def door(view: View[P]) -> View[P]:
        @login_required
        @wraps(view)
        def kept(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = writer_of(request)
            if not may(user):
                raise access.NotHere
            if needs_second_step(user):
                messages.error(
                    request, _("The staff’s pages open with a second step at login. Please set it up first.")
                )
                return redirect("mfa_activate_totp")
            return view(request, *args, **kwargs)

        return cast("View[P]", kept)

    return door


for_reviewers = _kept(access.is_reviewer)
for_auditors = _kept(access.reads_the_trail)
for_principals = _kept(access.is_principal)


def chosen(request: HttpRequest) -> Filter:
    """The filter of an address or a form. What cannot be understood is left out, and said."""
    asked = Filter.read(request.POST if request.method == "POST" else request.GET)
    while True:
        try:
            asked.pairs(Pair.objects.none())
        except BadFilter as fault:
            name = str(fault.args[0])
            said = _("This filter could not be understood, so it was left out: {name}.")
            messages.error(request, said.format(name=vars(asked)[name]))
            asked = Filter(**{key: value for key, value in vars(asked).items() if key != name})
        else:
            return asked


def to(address: str, query: str = "") -> HttpResponse:
    return redirect(f"{address}?{query}" if query else address)
