"""The verbs of rating, as doors.py has those of writing: ask access, call the service, tell her tabs.

Each answers the `rated` message that her other tabs get too, and may raise Refusal or access.NotHere.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from writingapp import access, db, rating_wire
from writingapp.doors import tell
from writingapp.models import Inspiration, Rating, User
from writingapp.services import rating, recalling
from writingapp.wire import Payload

NOBODY = "http"  # no socket is the sender: every tab is told


async def compare(user: User, session_id: str, inspiration_id: object, said: rating_wire.Compare) -> Payload:
    def judge(now: datetime) -> Rating:
        inspiration = access.inspiration_for(user, session_id, inspiration_id)
        better = access.candidate_for(user, session_id, said.candidate) if said.candidate else None
        return rating.compare(
            user=user, inspiration=inspiration, kind=said.kind, better=better, tags=said.tags, now=now
        )

    return await _judge(user, judge)


async def score(user: User, session_id: str, candidate_id: object, said: rating_wire.Score) -> Payload:
    def judge(now: datetime) -> Rating:
        candidate = access.candidate_for(user, session_id, candidate_id)
        return rating.score(user=user, candidate=candidate, line=said.line, score=said.score, tags=said.tags, now=now)

    return await _judge(user, judge)


async def withdraw(user: User, rating_id: object) -> Payload:
    def work(now: datetime) -> Rating:
        return rating.withdraw(rating=access.rating_for(user, rating_id), now=now)

    return await _change(work)


async def allow(user: User, rating_id: object, said: rating_wire.Allow) -> Payload:
    def work(now: datetime) -> Rating:
        return rating.allow(rating=access.rating_for(user, rating_id), consent=said.consent, now=now)

    return await _change(work)


async def answer(user: User, said: rating_wire.Answer) -> Payload:
    """What she answers when asked whether her ratings may train; with a rating, it takes the answer on."""

    def work(now: datetime) -> Rating | None:
        about = access.rating_for(user, said.rating) if said.rating else None
        return rating.answer(user=user, consents=said.consents, now=now, rating=about)

    return await _change(work)


async def _judge(user: User, judge: Callable[[datetime], Rating]) -> Payload:
    """`ask` tells the tab that judged, and no other, to put the question that is put once; not beside a line swapped,
    where there is no room for it.
    """
    told = await _change(judge)

    def ask() -> bool:
        swapped = Inspiration.objects.filter(pk=told["inspiration"], kind=Inspiration.Kind.SWAP).exists()
        return not swapped and rating.ask_once(user=user, now=timezone.now())

    return told | {"ask": await db.run(ask)}


async def _change(change: Callable[[datetime], Rating | None]) -> Payload:
    def work() -> tuple[str, Payload]:
        now = timezone.now()
        row = change(now)
        if row is None:
            return "", {}
        inspiration = Inspiration.objects.defer("messages").get(pk=row.inspiration_id)
        said = recalling.of_inspiration(inspiration)
        return str(inspiration.session_id), rating_wire.rated(
            inspiration, list(inspiration.candidates.all()), said, now
        )

    session_id, told = await db.run(work)
    if told:
        await tell(session_id, told, NOBODY)
    return told
