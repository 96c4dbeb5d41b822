"""The verbs of the protocol, for socket and HTTP alike: ask access, call the service, tell other tabs, call a worker.

Every verb answers the message that the caller gets. Each may raise Refusal or access.NotHere.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from redis.exceptions import RedisError

from writingapp import access, bell, db, metrics, pace, tasks, wire
from writingapp.hub import hub
from writingapp.loop import Errands
from writingapp.models import Candidate, User, WritingSession
from writingapp.services import inspiring, manuscripts, recalling, sessions, swapping
from writingapp.services.inspiring import Asked, Busy, Invalid
from writingapp.services.manuscripts import Conflict
from writingapp.stream import Log
from writingapp.wire import Payload

logger = logging.getLogger(__name__)

BEHIND_THE_BELL = 0.4  # seconds; even of a burst of asks the last is heard by then

Hear = Callable[[Payload], None]

TURNS: dict[str, Callable[..., WritingSession]] = {
    "pause": sessions.pause,
    "resume": sessions.resume,
    "finish": sessions.finish,
}

# Celery's publishing blocks; its threads are few, since each holds a connection to the broker.
_callers = ThreadPoolExecutor(4, thread_name_prefix="enqueue")
_calls = Errands()


async def greet(user: User, session_id: str) -> Payload:
    """All that a page needs, in one message."""

    def look() -> tuple[WritingSession, list[Payload], list[Payload]]:
        session = access.session_for(user, session_id)
        session.refresh_from_db(fields=["text", "rev"])  # together: a text belongs to its revision
        said, asked = recalling.of_session(session), inspiring.inspirations_of(session)
        told = [wire.inspiration(one.inspiration, one.candidates, said[one.inspiration.pk]) for one in asked]
        return session, told, [wire.photo(photo) for photo in session.photos.all()]

    session, told, photos = await db.run(look)
    pace.of(user.pk).owe(len(session.text))
    log = hub().log
    running = [each for inspiration in told for each in inspiration["candidates"] if each["status"] == "running"]
    await asyncio.gather(*(_freshen(log, each) for each in running))
    return wire.hello(session, told, photos, await log.engine(), timezone.now())


async def _freshen(log: Log, told: Payload) -> None:
    """A running candidate's row is a checkpoint some seconds old; its log is not."""
    try:
        replay = await log.replay(told["id"])
    except (RedisError, OSError):
        return
    if replay and replay.attempt >= told["attempt"] and len(replay.text) >= told["seq"]:
        told.update(attempt=replay.attempt, seq=len(replay.text), text=replay.text)


async def save(user: User, session_id: str, asked: wire.Save, sender: str) -> Payload:
    def work() -> manuscripts.Saved | Conflict:
        session = access.session_for(user, session_id)
        change, now = asked.change(), timezone.now()
        return manuscripts.save(session=session, save_id=asked.save_id, base_rev=asked.base_rev, change=change, now=now)

    answer = await db.run(work)
    if isinstance(answer, Conflict):
        pace.of(user.pk).owe(len(answer.text))
        return wire.conflict(answer)
    if not answer.repeated:
        await tell(session_id, wire.revision(answer), sender)
    return wire.saved(answer)


async def inspire(user: User, session_id: str, asked: wire.Inspire, sender: str, hear: Hear) -> None:
    """The answer is heard before a worker is called, so that no frame overtakes it."""

    def work() -> Asked | Busy | Invalid:
        session = access.asking_session_for(user, session_id)
        photo = access.photo_if_here(user, session_id, asked.photo_id) if asked.photo_id else None
        if asked.photo_id and not photo and not asked.chips:
            return _known(session, asked.key)
        try:
            return inspiring.ask(
                session=session,
                **asked.model_dump(exclude={"type", "photo_id", "options"}),
                options=asked.options.asked(),
                photo=photo,
                now=timezone.now(),
            )
        except IntegrityError:
            if photo is None or access.photo_if_here(user, session_id, photo.pk):
                raise
            return work()  # it was deleted in this very moment: as if it had been before

    with metrics.stage("ask"):
        answer = await db.run(work)
    await _answered(session_id, asked.key, answer, sender, hear)


def _known(session: WritingSession, key: uuid.UUID) -> Asked:
    """What this key has asked before. Raises NotHere: of a photograph that is gone only its chips can be asked with."""
    known = inspiring.earlier(session, key)
    if known is None:
        raise access.NotHere
    return known


async def swap(user: User, session_id: str, asked: wire.Swap, sender: str, hear: Hear) -> None:
    """As `inspire`, for another line in the place of one."""

    def work() -> Asked | Busy:
        session = access.session_for(user, session_id)
        candidate = access.candidate_for(user, session_id, asked.candidate)
        return swapping.swap(session=session, candidate=candidate, line=asked.line, key=asked.key, now=timezone.now())

    await _answered(session_id, asked.key, await db.run(work), sender, hear)


async def _answered(session_id: str, key: uuid.UUID, answer: Asked | Busy | Invalid, sender: str, hear: Hear) -> None:
    metrics.ASKS.labels(answer.code if isinstance(answer, Busy) else type(answer).__name__.lower()).inc()
    if isinstance(answer, Busy):
        return hear(wire.busy(key, answer.code, answer.retry_after_ms))
    if isinstance(answer, Invalid):
        return hear(wire.invalid(key, answer.errors))
    told = wire.queued(key, wire.inspiration(answer.inspiration, answer.candidates))
    hear(told)
    if not answer.repeated:
        ring = bell.ring(answer.inspiration, answer.candidates)
        rung = await _try(hub().log.call(ring, session_id, told, sender))
        _calls.send(_call_worker(str(answer.inspiration.pk), ring if rung else None))


async def hint(user: User, session_id: str, told: wire.Hint) -> None:
    """Let the engine read ahead while she still writes her wish. Nothing is recorded."""

    def work() -> dict[str, Any] | None:
        session = access.session_for(user, session_id)
        about = told.model_dump(exclude={"type", "options"})
        return inspiring.foresee(session=session, **about, options=told.options.asked())

    seen = await db.run(work)
    if seen is not None:
        await _try(hub().log.call_ahead(seen | {"session": session_id}))


async def _call_worker(inspiration_id: str, rung: str | None) -> None:
    """The sure way, for what no worker has heard of by the bell: all are busy or gone, or Redis was away. A message for
    what is being written already would cost both processes a third of the ask. Whatever a worker heard and died before
    it claimed, the sweep finds.
    """
    await asyncio.sleep(BEHIND_THE_BELL)
    if rung and not await _is_unheard(rung):
        return
    with metrics.stage("enqueue"):
        await asyncio.get_running_loop().run_in_executor(_callers, tasks.enqueue_write, inspiration_id)


async def _is_unheard(ring: str) -> bool:
    """Whether it still hangs at the bell; it does not afterwards."""
    try:
        return await hub().log.silence(ring)
    except (RedisError, OSError):
        return True


async def stop(user: User, session_id: str, inspiration_id: object) -> None:
    """Whoever listens hears an `end` for each candidate; those that a worker holds end there."""

    def work() -> list[Candidate]:
        inspiration = access.inspiration_for(user, session_id, inspiration_id)
        return inspiring.stop(inspiration=inspiration, now=timezone.now())

    ended = await db.run(work)
    log = hub().log
    await _try(log.call_stop(str(inspiration_id)))
    for row in ended:
        await _try(log.end(session_id, str(row.pk), row.attempt, len(row.text), wire.end(row)))


async def check_candidate(user: User, session_id: str, candidate_id: object) -> None:
    await db.run(access.candidate_for, user, session_id, candidate_id)


async def take(user: User, session_id: str, candidate_id: object, sender: str) -> Payload:
    def work() -> Candidate:
        candidate = access.candidate_for(user, session_id, candidate_id)
        inspiring.take(candidate=candidate, now=timezone.now())
        return candidate

    told = wire.taken((await db.run(work)).pk)
    await tell(session_id, told, sender)
    return told


async def turn(user: User, session_id: str, verb: str, sender: str) -> Payload:
    """Pause, resume or finish."""
    return await _turn(TURNS[verb], user, session_id, sender)


async def extend(user: User, session_id: str, seconds: int, sender: str) -> Payload:
    return await _turn(partial(sessions.extend, seconds=seconds), user, session_id, sender)


async def _turn(verb: Callable[..., WritingSession], user: User, session_id: str, sender: str) -> Payload:
    """One turn of the session's clock, told to every tab."""
    now = timezone.now()

    def work() -> WritingSession:
        return verb(session=access.session_for(user, session_id), now=now)

    told = wire.clock(await db.run(work), now)
    await tell(session_id, told, sender)
    return told


async def tell(session_id: str, payload: Payload, sender: str) -> None:
    """To every other tab of a session."""
    await _try(hub().log.announce(session_id, payload, sender))


async def _try(said: Awaitable[None]) -> bool:
    """Telling others is a courtesy: when Redis is away the rows hold all, and the tabs look there when it is back."""
    try:
        await said
    except (RedisError, OSError) as fault:
        logger.warning("others were not told (%s)", type(fault).__name__)
        return False
    return True
