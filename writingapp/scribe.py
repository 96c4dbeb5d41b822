"""The worker's side of a candidate: engine to log to row. One scribe a worker process, on one event loop."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from inference import drafting, scripted
from inference.drafting import Write
from inference.engines import engine
from inference.engines.base import EngineError, Node
from inference.nodes import Need
from inference.request import Request
from inference.vision import seeing
from writingapp import bell, db, looking, metrics, stream, wire
from writingapp.claiming import Claims
from writingapp.engineroom import EngineRoom, served
from writingapp.loop import Errands, endless
from writingapp.models import Candidate
from writingapp.outlet import Outlet
from writingapp.services import claims, photos
from writingapp.services.claims import Claim
from writingapp.shadowing import Shadow
from writingapp.writing import Writing

logger = logging.getLogger(__name__)

Status = Candidate.Status

HEARTBEAT = 3.0  # seconds between checkpoints; four fit into a lease
BATCH = 100  # checkpoints in one transaction
PATIENCE = 30.0  # seconds without a character before silent engines are given up; a queue is not silence
MOST_BREAKS = 3  # times that an engine may break off in the middle of one text
RETRY_AFTER = 0.5


class Scribe:
    """Writes candidates. Make and use it on one event loop."""

    def __init__(self) -> None:
        self._log = stream.Log(stream.connect())
        self._outlet = Outlet(self._log)
        self._room = EngineRoom(self._log)
        self._shadow = Shadow(self._room)
        self._claims = Claims()
        self._writings: set[Writing] = set()
        self._accepted: dict[str, asyncio.Task[None]] = {}
        self._looks = Errands()
        self._pens = asyncio.Semaphore(settings.INSPIRE_CONCURRENCY)
        self._leaving = False
        self._bell = asyncio.create_task(endless(self._hear_bell))
        chores = (self._outlet.run, self._hear_calls, self._keep_alive, self._room.watch)
        self._chores = [self._bell, *(asyncio.create_task(endless(chore)) for chore in chores)]

    def accept(self, inspiration_id: str, foretold: Claim | None = None) -> None:
        """Write what is still to be written for an inspiration, once a pen is free; asking twice is asking once.

        One who leaves takes nothing: the row waits, and the sweep calls somebody else. What is `foretold` is begun
        while the rows are asked.
        """
        if inspiration_id not in self._accepted and not self._leaving:
            self._accepted[inspiration_id] = task = asyncio.create_task(self._write(inspiration_id, foretold))
            task.add_done_callback(lambda _: self._accepted.pop(inspiration_id, None))

    def look(self, photo_id: str, language: str) -> None:
        """Let a node that sees look at a photograph."""
        self._looks.send(looking.look(self._room, self._log, photo_id, language))

    async def _write(self, inspiration_id: str, foretold: Claim | None) -> None:
        async with self._pens:
            try:
                last = await self._write_all(inspiration_id, foretold)
                if last is not None and last.done and not self._leaving:
                    self._shadow.follow(last.claim)
            except Exception:  # nobody waits for this task; the sweep takes the row up again
                logger.exception("inspiration %s: left for the sweep", inspiration_id)

    async def _write_all(self, inspiration_id: str, foretold: Claim | None) -> Writing | None:
        """One text after the other: on few cores the second would only slow the first. Then hers that waits for it.

        Answers the last one; None where somebody else is to go on.
        """
        if self._leaving:
            return None
        claiming = asyncio.create_task(self._claim(inspiration_id))
        claim = foretold or await claiming
        writing: Writing | None = None
        while claim is not None:
            writing = await self._open(claim, claiming)
            goes_on = await self._write_one(writing)
            if (told := await claiming) != claim:  # the bell was wrong, and what the rows say is held
                claim = told
                continue
            if not goes_on or self._leaving:
                return None
            claiming = asyncio.create_task(self._claim(claim.inspiration_id))
            claim = await claiming
        return writing

    async def _claim(self, inspiration_id: str) -> Claim | None:
        with metrics.stage("claim"):
            claim = await self._claims.next(inspiration_id)
        if claim and claim.first and claim.attempt == 1:  # the second candidate waits for the first, not for a worker
            metrics.STAGE.labels("to_claim").observe(max(0.0, time.time() - claim.asked_at.timestamp()))
        return claim

    async def leave(self) -> None:
        """Take nothing more and let go of everything, and ring for another worker to go on at once."""
        self._leaving = True
        self._bell.cancel()
        for writing in self._writings:
            writing.break_off("leaving")
        left = {*self._accepted, *(writing.claim.inspiration_id for writing in self._writings)}
        await asyncio.gather(*self._accepted.values(), self._bell, return_exceptions=True)
        with suppress(RedisError, OSError):  # the sweep finds them too, some seconds later
            for inspiration_id in left:
                await self._log.ring(inspiration_id)
        for chore in (*self._chores, *self._looks):
            chore.cancel()
        self._shadow.leave()
        await self._room.close()

    async def _open(self, claim: Claim, claiming: asyncio.Future[Claim | None]) -> Writing:
        """A later attempt goes on from the longest text that anybody holds."""
        text = claim.written
        if claim.attempt > 1:
            with suppress(RedisError, OSError):
                replay = await self._log.replay(claim.candidate_id)
                if replay and replay.text.startswith(text):
                    text = replay.text
                await self._log.begin(claim.session_id, claim.candidate_id, claim.attempt, text)
        writing = Writing(claim, self._outlet.open(claim.session_id, claim.candidate_id, claim.attempt, text), claiming)
        if text:
            writing.adapters.add(claim.adapter)
        return writing

    async def _write_one(self, writing: Writing) -> bool:
        """Make one text and end it; False when this worker should not go on with the inspiration."""
        self._writings.add(writing)
        writing.making = asyncio.create_task(self._make(writing))
        if not await writing.is_held():
            writing.break_off("lost")
        if self._leaving:  # told to go while it was being claimed
            writing.break_off("leaving")
        error = ""
        try:
            await writing.making
        except asyncio.CancelledError:
            writing.break_off("leaving")  # unless something else broke it off before
        except EngineError as fault:
            error = fault.code
        except Exception:
            logger.exception("candidate %s: writing failed", writing.claim.candidate_id)
            error = "unavailable"
        finally:
            self._writings.discard(writing)
        await self._outlet.close(writing.stream)
        await self._finish(writing, error)
        return writing.broken_by in ("", "stop")

    async def _make(self, writing: Writing) -> None:
        """Ask an engine until the text is whole; one that breaks off is left for another, which goes on from there.

        Of silent engines each gets one try, however long the first was silent.
        """
        clock = asyncio.get_running_loop().time
        silent_since, breaks = clock(), 0
        while True:
            before = len(writing.stream.text)
            try:
                return await self._ask_engine(writing)
            except EngineError as fault:
                if writing.node is not None:
                    metrics.ERRORS.labels(*writing.where, fault.code).inc()
                if len(writing.stream.text) > before:
                    silent_since, breaks, writing.queued = clock(), breaks + 1, 0.0
                silence = clock() - silent_since - writing.queued
                patient = silence <= PATIENCE or (fault.code == "engine_timeout" and self._another(writing))
                if not fault.retryable or breaks > MOST_BREAKS or not patient:
                    raise
                logger.warning("candidate %s: %s, trying again", writing.claim.candidate_id, fault)
            if not self._another(writing):
                await asyncio.sleep(RETRY_AFTER)

    def _another(self, writing: Writing) -> bool:
        """Whether some node that has not failed this text can be asked at once."""
        return any(seat.able and seat.node.name not in writing.failed for seat in self._room.nodes.seats)

    async def _ask_engine(self, writing: Writing) -> None:
        claim, text = writing.claim, writing.stream
        # A text is ended by whoever began it, and in a trial the ask says who begins it.
        wanted = writing.adapter if text.text or claim.arm else self._room.serving
        need = Need(claim.session_id, wanted, avoid=frozenset(writing.failed), sees=bool(claim.photo_id))
        self._shadow.make_way(need)
        await self._room.let_finish_reading(need, claim.messages)
        async with self._seat(writing, need) as node:
            writing.node, writing.seated_at = node, writing.seated_at or timezone.now()
            try:
                await self._read_from(node, writing, served(node, wanted))
            except EngineError as fault:
                if fault.code == "not_served" and wanted in node.adapters:
                    self._room.lacks(node.name, wanted)
                elif fault.retryable:
                    writing.failed.add(node.name)
                raise

    @asynccontextmanager
    async def _seat(self, writing: Writing, need: Need) -> AsyncIterator[Node]:
        """A lease. The wait for it is no engine's silence, whether a seat ends it or that there is no node any more."""
        asked = time.perf_counter()
        async with AsyncExitStack() as stack:
            try:
                node = await stack.enter_async_context(self._room.lease(need))
            finally:
                waited = time.perf_counter() - asked
                writing.queued += waited
            metrics.STAGE.labels("seat").observe(waited)
            yield node

    async def _read_from(self, node: Node, writing: Writing, adapter: str) -> None:
        claim, text, asked = writing.claim, writing.stream, time.perf_counter()
        request = Request(claim.messages, claim.sampling, text.text, adapter)
        if claim.photo_id and node.sees:
            jpeg = await db.run(photos.pixels, photo_id=claim.photo_id)
            request = seeing.beside(request, seeing.data_url(jpeg) if jpeg else "")
        write: Write = engine(node.kind).stream
        if (drafts := self._room.drafts(node)) > 1 and drafting.worth(request):
            write = partial(drafting.stream, write, drafts)
        async with aclosing(scripted.stream(write, self._room.http, node, request)) as pieces:
            async for piece in pieces:
                writing.tokens += piece.tokens
                writing.conforms = piece.conforms
                if piece.text:
                    if writing.first_text_at is None:
                        if not await writing.is_held():
                            return
                        self._begun(writing, asked)
                    writing.adapters.add(adapter)
                    self._outlet.write(text, piece.text)

    def _begun(self, writing: Writing, asked: float) -> None:
        writing.first_text_at = timezone.now()
        metrics.STAGE.labels("engine").observe(time.perf_counter() - asked)
        if writing.claim.first and not writing.stream.text:
            waited = (writing.first_text_at - writing.claim.asked_at).total_seconds()
            metrics.FIRST_TEXT.labels(*writing.where).observe(max(0.0, waited))

    async def _keep_alive(self) -> None:
        """Checkpoint what is under the pen and keep the leases; learn of stops that no call told of."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                for batch in _batches([each for each in self._writings if each.held]):
                    await self._checkpoint(batch)
            except DatabaseError as fault:  # away for a moment: the leases have room for that
                logger.warning("%d texts were not checkpointed (%s)", len(self._writings), type(fault).__name__)

    async def _checkpoint(self, batch: list[Writing]) -> None:
        written = [(each.claim, each.stream.text, each.adapter) for each in batch]
        beat = await db.run(claims.checkpoint, written=written, now=timezone.now())
        for each in self._writings.intersection(batch):  # the others have ended meanwhile
            if each.stream.fenced or each.claim.candidate_id in beat.lost:
                each.break_off("lost")
            elif each.claim.inspiration_id in beat.stopped:
                each.break_off("stop")

    async def _finish(self, writing: Writing, error: str) -> None:
        """The row first, then the sockets: what they show at the end is what is committed."""
        claim, text = writing.claim, writing.stream.text
        if writing.broken_by == "lost":
            return
        if writing.broken_by == "leaving":
            await db.run(claims.give_back, claim=claim, text=text, adapter=writing.adapter, now=timezone.now())
            return
        status = writing.outcome(error)
        metrics.TEXTS.labels(*writing.where, status).inc()
        metrics.TOKENS.labels(*writing.where).inc(writing.tokens)
        row = await db.run(
            claims.end,
            claim=claim,
            status=status,
            text=text,
            now=timezone.now(),
            tokens=writing.tokens,
            error=error,
            node=writing.where[1],
            adapter=writing.adapter,
            conforms=writing.conforms,
            started_at=writing.seated_at,
            first_text_at=writing.first_text_at,
        )
        if row is not None:
            await self.announce_end(row, claim.session_id)
            writing.done = status == Status.DONE

    async def announce_end(self, row: Candidate, session_id: str) -> None:
        try:
            await self._log.end(session_id, str(row.pk), row.attempt, len(row.text), wire.end(row))
        except (RedisError, OSError) as fault:
            logger.warning("candidate %s: end not announced (%s)", row.pk, type(fault).__name__)

    async def _hear_calls(self) -> None:
        """Stop calls are lossy and quick; the flag that the heartbeat reads is slow and sure. Hints may all be lost."""
        while True:
            try:
                async with stream.listener().pubsub() as calls:
                    await calls.subscribe(stream.CONTROL, stream.AHEAD)
                    async for call in calls.listen():
                        self._hear(call["type"], call["channel"].decode(), call["data"])
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_AFTER)

    async def _hear_bell(self) -> None:
        """Take up an ask the moment it is committed. Whoever has no pen free leaves it to another: what nobody hears
        Celery brings.
        """
        while True:
            try:
                async with stream.listener() as ear:
                    while True:
                        async with self._pens:  # waits behind all that it has accepted
                            pass
                        rung: Any = await ear.brpop([stream.BELL])
                        if self._pens.locked():  # the last one went while it listened
                            await self._log.ring(rung[1].decode())
                        else:
                            self.accept(*bell.heard(rung[1]))
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_AFTER)

    def _hear(self, kind: str, channel: str, said: Any) -> None:
        if kind == "message" and channel == stream.CONTROL:
            self._stop(said.decode())
        elif kind == "message":
            self._room.read_ahead(orjson.loads(said))

    def _stop(self, inspiration_id: str) -> None:
        for writing in self._writings:
            if writing.claim.inspiration_id == inspiration_id:
                writing.break_off("stop")


def _batches(writings: list[Writing]) -> Iterator[list[Writing]]:
    """So many that other work on the database does not wait long for one batch."""
    for start in range(0, len(writings), BATCH):
        yield writings[start : start + BATCH]
