"""What staff do at the school: each verb a POST, answered by a sentence on the page it came from."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from writingapp import access, tasks
from writingapp.models import Adapter, User
from writingapp.refusals import Refusal
from writingapp.services import letters, promoting, schooling, trials
from writingapp.services.promoting import NotPromoted
from writingapp.views.context import writer_of
from writingapp.views.desk import doors
from writingapp.views.school import naming


def _say(request: HttpRequest, act: Callable[[], str]) -> None:
    """What was done, or the sentence why not."""
    try:
        messages.success(request, act())
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    except NotPromoted as fault:
        messages.error(request, letters.because(fault.code, fault.detail))


def _with_adapter(request: HttpRequest, name: str, act: Callable[[Adapter, User], str]) -> HttpResponse:
    user = writer_of(request)
    adapter = access.adapter_for(user, name)
    _say(request, lambda: act(adapter, user))
    return redirect("school_adapters")


@doors.for_principals
@require_POST
def turn(request: HttpRequest) -> HttpResponse:
    """Pause or go on; anything else is neither."""
    asked = request.POST.get("turn", "")
    if asked in ("pause", "resume"):
        promoting.turn_school(paused=asked == "pause", now=timezone.now(), actor=writer_of(request))
        said = _("The night school is paused.") if asked == "pause" else _("The night school goes on.")
        messages.success(request, said)
    return redirect("school")


@doors.for_principals
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """The night worker is called at once; where the broker is away, beat calls it within a minute."""

    def act() -> str:
        night = request.POST.get("night", "")
        schooling.begin(night=night, now=timezone.now(), actor=writer_of(request))
        tasks.call_night()
        return _("The night of {night} begins as soon as its worker is free.").format(night=night)

    _say(request, act)
    return redirect("school")


@doors.for_principals
@require_POST
def stop(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    user = writer_of(request)
    run = access.run_for(user, run_id)

    def act() -> str:
        schooling.stop(run=run, now=timezone.now(), actor=user)
        return _("It is stopped. Nothing of it will write.")

    _say(request, act)
    return redirect("school_run", run_id=run.pk)


@doors.for_principals
@require_POST
def load(request: HttpRequest, name: str) -> HttpResponse:
    def act(adapter: Adapter, user: User) -> str:
        schooling.load(adapter=adapter, now=timezone.now(), actor=user)
        return _("The nodes are loading {name}; each proves it before it counts.").format(name=name)

    return _with_adapter(request, name, act)


@doors.for_principals
@require_POST
def unload(request: HttpRequest, name: str) -> HttpResponse:
    def act(adapter: Adapter, user: User) -> str:
        schooling.unload(adapter=adapter, now=timezone.now(), actor=user)
        return _("{name} stays in the registry, and no node need keep it.").format(name=name)

    return _with_adapter(request, name, act)


@doors.for_principals
@require_POST
def promote(request: HttpRequest, name: str) -> HttpResponse:
    def act(adapter: Adapter, user: User) -> str:
        promoting.promote(adapter=adapter, now=timezone.now(), actor=user)
        return _("{name} writes from now on.").format(name=name)

    return _with_adapter(request, name, act)


@doors.for_principals
@require_POST
def retire(request: HttpRequest, name: str) -> HttpResponse:
    def act(adapter: Adapter, user: User) -> str:
        promoting.retire(adapter=adapter, now=timezone.now(), actor=user, why="by_hand")
        return _("{name} is retired, for good.").format(name=name)

    return _with_adapter(request, name, act)


@doors.for_principals
@require_POST
def roll_back(request: HttpRequest) -> HttpResponse:
    """Only from the adapter that the page showed as writing."""

    def act() -> str:
        wrote = request.POST.get("wrote", "")
        back = schooling.roll_back(wrote=wrote, now=timezone.now(), actor=writer_of(request))
        return _("{name} writes again.").format(name=naming.writer_now(back))

    _say(request, act)
    return redirect("school_adapters")


@doors.for_principals
@require_POST
def try_out(request: HttpRequest, name: str) -> HttpResponse:
    """Begin a blind trial."""

    def act(adapter: Adapter, user: User) -> str:
        share = schooling.share_of(request.POST.get("share", ""))
        trials.start(challenger=adapter, share=share, now=timezone.now(), actor=user)
        return _("The blind trial of {name} has begun.").format(name=name)

    return _with_adapter(request, name, act)


@doors.for_principals
@require_POST
def widen_trial(request: HttpRequest) -> HttpResponse:
    def act() -> str:
        share = schooling.share_of(request.POST.get("share", ""))
        trials.widen(share=share, now=timezone.now(), actor=writer_of(request))
        return _("The trial’s share is {share} % now.").format(share=f"{share:.0%}"[:-1])

    _say(request, act)
    return redirect("school_adapters")


@doors.for_principals
@require_POST
def stop_trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    user = writer_of(request)
    trial = access.trial_for(user, trial_id)

    def act() -> str:
        schooling.stop_trial(trial=trial, now=timezone.now(), actor=user)
        return _("The trial is stopped; nobody has won it.")

    _say(request, act)
    return redirect("school_adapters")
