"""A writer asks for inspiration, stops it, takes it. Writing it is `claims`, on the worker's side."""

import math
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from inference.request import Ask, Kind, language_of, messages, sampling, tongue
from inference.verse import limits
from inference.verse.forms import FORMS
from inference.verse.options import FREE, Impossible, Options
from writingapp import impossible, statements
from writingapp.models import Candidate, Inspiration, Photo, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import nodes, trials

Status = Candidate.Status
UNFINISHED = (Status.QUEUED, Status.RUNNING)

WISH_LIMIT = 500  # characters
BEFORE_LIMIT = 2_000  # characters of the manuscript that a page may send along with an ask
MOST_CANDIDATES = 2
MOST_CHIPS = 12
CHIP_LIMIT = 20  # characters of one chip
MOST_WAITING = 2  # inspirations of one writer: one that is being written and one that waits
USUAL_SECONDS = 6.0  # for a candidate, until this house has made enough to know better


@dataclass(frozen=True, slots=True)
class Asked:
    """The ask as it stands; `repeated` when the same key had asked before."""

    inspiration: Inspiration
    candidates: list[Candidate]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """`busy`: she has one being written and one waiting. `crowded`: the house has as many as it can take."""

    retry_after_ms: int
    code: str = "busy"


@dataclass(frozen=True, slots=True)
class Invalid:
    """Field by field, in the language that is active."""

    errors: dict[str, str]


def ask(
    *,
    session: WritingSession,
    key: uuid.UUID,
    kind: str,
    form: str,
    wish: str,
    before: str,
    candidates: int,
    now: datetime,
    photo: Photo | None = None,
    chips: Sequence[str] = (),
    options: Options = FREE,
) -> Asked | Busy | Invalid:
    """Record an ask with the exact messages that the model will see. Raises Refusal: finished."""
    form = form if kind == Kind.POEM else ""
    wish = wish.strip()
    chips = tuple(chip.strip() for chip in chips if chip.strip()) if kind == Kind.POEM else ()
    errors = _faults(kind, form, wish, before, candidates) | _chip_faults(chips)
    if errors:
        return Invalid(errors)
    asked = _in_its_language(Ask(Kind(kind), form, wish, session.theme, before, "", chips, options))
    errors = _option_faults(asked)
    if errors:
        return Invalid(errors)
    try:
        drawn = [sampling(asked, position, secrets.randbelow(2**31)) for position in range(candidates)]
    except Impossible as no:
        return Invalid({no.field: impossible.sentence(no)})
    return once(session, key, candidates, lambda after: _create(session, key, asked, drawn, now, photo, after))


def once(
    session: WritingSession, key: uuid.UUID, candidates: int, make: Callable[[uuid.UUID | None], Asked]
) -> Asked | Busy:
    """Make an ask if there is room for it, and for each key once; `make` is told which of hers is written before it.

    Raises Refusal: finished.
    """
    try:
        with transaction.atomic():
            # One writer's asks are judged one after the other, or two tabs would each find room for one more.
            if statements.lock_writer(session.pk) == WritingSession.State.FINISHED:
                raise Refusal("finished", str(key))
            standing = statements.unfinished(session.user_id)
            refused = _admission(session.user_id, candidates, standing)
            if refused:
                return earlier(session, key) or refused
            return make(standing.hers)
    except (IntegrityError, Refusal):  # the key exists, or nothing new may be asked: a repeated ask is answered still
        known = earlier(session, key)
        if known is None:
            raise
        return known


def earlier(session: WritingSession, key: uuid.UUID) -> Asked | None:
    """What this key has asked before; None: nothing."""
    row = session.inspirations.filter(key=key).first()
    return Asked(row, list(row.candidates.all()), repeated=True) if row else None


def _faults(kind: str, form: str, wish: str, before: str, candidates: int) -> dict[str, str]:
    errors: dict[str, str] = {}
    if kind not in {each.value for each in Kind}:
        errors["kind"] = _("Choose a line, a poem or a continuation.")
    elif kind == Kind.POEM and form not in FORMS:
        errors["form"] = _("Choose a form for the poem.")
    elif kind == Kind.CONTINUE and not before.strip():
        errors["kind"] = _("Write a little first; then it can be continued.")
    if len(wish) > WISH_LIMIT:
        errors["wish"] = _("A wish has at most 500 characters; this one has %(count)d.") % {"count": len(wish)}
    if len(before) > BEFORE_LIMIT:
        errors["before"] = _("Only the last 2,000 characters before the cursor can be sent along.")
    if not 1 <= candidates <= MOST_CANDIDATES:
        errors["candidates"] = _("Ask for one candidate or two.")
    return errors


def _chip_faults(chips: Sequence[str]) -> dict[str, str]:
    if len(chips) > MOST_CHIPS or any(len(chip) > CHIP_LIMIT for chip in chips):
        return {"chips": _("At most 12 images, each of 20 characters.")}
    return {}


def _option_faults(ask: Ask) -> dict[str, str]:
    said = limits.faults(ask.form or ask.kind, tongue(ask), ask.options)
    return {fault.field: impossible.sentence(fault) for fault in said}


def foresee(
    *, session: WritingSession, kind: str, form: str, wish: str, before: str, options: Options = FREE
) -> dict[str, Any] | None:
    """What the model would see if she asked this now; None when it could not be asked."""
    form, wish = form if kind == Kind.POEM else "", wish.strip()
    if _faults(kind, form, wish, before, candidates=1) or session.state == WritingSession.State.FINISHED:
        return None
    ask = _in_its_language(Ask(Kind(kind), form, wish, session.theme, before, "", options=options))
    try:
        return {"messages": messages(ask), "sampling": sampling(ask, 0, 0)}
    except Impossible:
        return None


def _in_its_language(ask: Ask) -> Ask:
    native = FORMS[ask.form].language if ask.form else None
    said = (ask.wish, " ".join(ask.chips), ask.before, ask.theme)
    fallback = "zh"
    for text in reversed(said):
        fallback = language_of(text, fallback)
    return replace(ask, language=native or fallback)


def _create(
    session: WritingSession,
    key: uuid.UUID,
    ask: Ask,
    drawn: Sequence[dict[str, Any]],
    now: datetime,
    photo: Photo | None,
    after: uuid.UUID | None,
) -> Asked:
    inspiration = Inspiration(
        session_id=session.pk,
        key=key,
        kind=ask.kind,
        form=ask.form,
        wish=ask.wish,
        language=tongue(ask),
        messages=messages(ask),
        photo=photo,
        chips=list(ask.chips),
        options=ask.options.told(),
        after_id=after,
    )
    rows = [
        Candidate(inspiration=inspiration, position=position, sampling=sampling, queued_at=now)
        for position, sampling in enumerate(drawn)
    ]
    _blind(rows, session.user_id)
    statements.insert(inspiration)
    statements.insert(*rows)
    return Asked(inspiration, rows)


def _blind(rows: list[Candidate], user_id: int) -> None:
    """In a trial the ask itself says who writes which text; see services.trials."""
    for row, (arm, adapter) in zip(rows, trials.arms(user_id=user_id, candidates=len(rows)) or [], strict=False):
        row.arm, row.adapter = arm, adapter


def _admission(user_id: int, candidates: int, standing: statements.Unfinished) -> Busy | None:
    """Whether there is room for one more ask, hers and the house's; if not, when there is likely to be.

    Other writers' asks of the same instant may pass the house's limit together.
    """
    if standing.mine >= MOST_WAITING:
        hers = Candidate.objects.filter(status__in=UNFINISHED, inspiration__session__user_id=user_id)
        last = MOST_CANDIDATES - 1  # of what waits; hers come one after the other, and each behind what others wait for
        return Busy(_wait_ms(max(hers.count() - last, _turns(standing.everybody - last))))
    too_many = standing.everybody + candidates - settings.QUEUE_LIMIT
    return Busy(_wait_ms(_turns(too_many)), "crowded") if too_many > 0 else None


def _turns(texts: int) -> int:
    """How often all nodes fill up anew until so many texts are written."""
    return math.ceil(texts / nodes.capacity())


def _wait_ms(turns: int) -> int:
    """How long so many texts, one after the other, are likely to take: at the pace of the last twenty."""
    seconds = statements.usual_seconds() or USUAL_SECONDS
    return int(1000 * seconds * max(1, turns))


def inspirations_of(session: WritingSession) -> list[Asked]:
    rows = session.inspirations.prefetch_related("candidates")
    return [Asked(row, list(row.candidates.all())) for row in rows]


def take(*, candidate: Candidate, now: datetime) -> None:
    """She took it, or a line of it, into her text: a soft signal, recorded once."""
    Candidate.objects.filter(pk=candidate.pk, taken_at=None).update(taken_at=now)


@transaction.atomic
def stop(*, inspiration: Inspiration, now: datetime) -> list[Candidate]:
    """Raise the flag, and end at once what nobody has begun; answers those. The running ones end where they run."""
    Inspiration.objects.filter(pk=inspiration.pk).update(stop_requested=True)
    queued = inspiration.candidates.filter(status=Status.QUEUED)
    ended = [row.pk for row in queued.select_for_update()]
    inspiration.candidates.filter(pk__in=ended, status=Status.QUEUED).update(status=Status.STOPPED, finished_at=now)
    return list(inspiration.candidates.filter(pk__in=ended))
