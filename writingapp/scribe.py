"""The worker's side of a candidate: engine to log to row. One scribe a worker process, on one event loop."""

import asyncio
import logging
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import aiohttp
import orjson
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from redis.exceptions import RedisError

from inference.engines import engine
from inference.engines.base import EngineError, Node
from inference.nodes import Nodes
from inference.request import Request
from writingapp import db, stream, wire
from writingapp.models import Candidate
from writingapp.outlet import Outlet, Stream
from writingapp.services import claims
from writingapp.services.claims import Claim

logger = logging.getLogger(__name__)

Status = Candidate.Status

HEARTBEAT = 3.0  # seconds between checkpoints; four fit into a lease
PATIENCE = 30.0  # seconds without a character before a silent engine is given up
MOST_BREAKS = 3  # times that an engine may break off in the middle of one text
PROBE_EVERY = 1.0
RETRY_AFTER = 0.5
READING = 2.0  # seconds that an ask waits for its own hint to be read
CONNECTIONS = 512


@dataclass(eq=False, slots=True)
class Writing:
    """One candidate under the pen."""

    claim: Claim
    stream: Stream
    node: str = ""
    tokens: int = 0
    first_text_at: datetime | None = None
    broken_by: Literal["", "stop", "lost", "leaving"] = ""
    making: asyncio.Task[None] | None = field(default=None)

    def break_off(self, why: Literal["stop", "lost", "leaving"]) -> None:
        if not self.broken_by:
            self.broken_by = why
            if self.making:
                self.making.cancel()


class Scribe:
    """Writes candidates. Make and use it on one event loop."""

    def __init__(self) -> None:
        self._log = stream.Log(stream.connect())
        self._outlet = Outlet(self._log)
        self._nodes = Nodes([_node()])
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        self._writings: set[Writing] = set()
        self._reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading.set_result(None)
        self._read: list[dict[str, str]] = []
        self._chores = [
            asyncio.create_task(chore) for chore in (self._outlet.run(), self._hear_calls(), self._watch_engine())
        ]

    async def write(self, inspiration_id: str) -> None:
        """Write what is still to be written for an inspiration, one text after the other."""
        while claim := await db.run(claims.claim_next, inspiration_id=inspiration_id, now=timezone.now()):
            writing = await self._open(claim)
            if not await self._write_one(writing):
                return

    async def leave(self) -> None:
        """Let go of everything, so that another worker can go on at once."""
        for writing in self._writings:
            writing.break_off("leaving")
        makings = [writing.making for writing in self._writings if writing.making]
        await asyncio.gather(*makings, return_exceptions=True)
        for chore in self._chores:
            chore.cancel()
        await self._http.close()

    async def _open(self, claim: Claim) -> Writing:
        """A later attempt goes on from the longest text that anybody holds."""
        text = claim.written
        if claim.attempt > 1:
            with suppress(RedisError, OSError):
                replay = await self._log.replay(claim.candidate_id)
                if replay and replay.text.startswith(text):
                    text = replay.text
                await self._log.begin(claim.session_id, claim.candidate_id, claim.attempt, text)
        return Writing(claim, self._outlet.open(claim.session_id, claim.candidate_id, claim.attempt, text))

    async def _write_one(self, writing: Writing) -> bool:
        """Make one text and end it; False when this worker should not go on with the inspiration."""
        self._writings.add(writing)
        writing.making = asyncio.create_task(self._make(writing))
        beating = asyncio.create_task(self._keep_alive(writing))
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
            beating.cancel()
            self._writings.discard(writing)
        await self._outlet.close(writing.stream)
        await self._finish(writing, error)
        return writing.broken_by in ("", "stop")

    async def _make(self, writing: Writing) -> None:
        """Ask an engine until the text is whole; an engine that breaks off is asked to go on from what there is."""
        clock = asyncio.get_running_loop().time
        silent_since, breaks = clock(), 0
        while True:
            before = len(writing.stream.text)
            try:
                return await self._ask_engine(writing)
            except EngineError as fault:
                if len(writing.stream.text) > before:
                    silent_since, breaks = clock(), breaks + 1
                if not fault.retryable or breaks > MOST_BREAKS or clock() - silent_since > PATIENCE:
                    raise
                logger.warning("candidate %s: %s, trying again", writing.claim.candidate_id, fault.code)
                await asyncio.sleep(RETRY_AFTER)

    async def _ask_engine(self, writing: Writing) -> None:
        claim, text = writing.claim, writing.stream
        await self._let_finish_reading(claim.messages)
        async with self._nodes.lease() as node:
            writing.node = node.name
            request = Request(claim.messages, claim.sampling, written=text.text)
            async with aclosing(engine(node.kind).stream(self._http, node, request)) as pieces:
                async for piece in pieces:
                    writing.tokens += piece.tokens
                    if piece.text:
                        writing.first_text_at = writing.first_text_at or timezone.now()
                        self._outlet.write(text, piece.text)

    async def _keep_alive(self, writing: Writing) -> None:
        """Checkpoint and keep the lease; learn of stops that no call told of."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            with suppress(OperationalError):  # a database that is away for a moment: the lease has room for that
                await self._checkpoint(writing)

    async def _checkpoint(self, writing: Writing) -> None:
        claim, text = writing.claim, writing.stream.text
        held = await db.run(claims.checkpoint, claim=claim, text=text, now=timezone.now())
        if writing.stream.fenced or not held:
            writing.break_off("lost")
        elif await db.run(claims.stop_is_requested, claim=claim):
            writing.break_off("stop")

    async def _finish(self, writing: Writing, error: str) -> None:
        """The row first, then the sockets: what they show at the end is what is committed."""
        claim, text = writing.claim, writing.stream.text
        if writing.broken_by == "lost":
            return
        if writing.broken_by == "leaving":
            await db.run(claims.give_back, claim=claim, text=text, now=timezone.now())
            return
        row = await db.run(
            claims.end,
            claim=claim,
            status=_status(writing, error),
            text=text,
            now=timezone.now(),
            tokens=writing.tokens,
            error=error,
            node=writing.node,
            first_text_at=writing.first_text_at,
        )
        if row is not None:
            await self.announce_end(row, claim.session_id)

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

    def _hear(self, kind: str, channel: str, said: Any) -> None:
        if kind == "message" and channel == stream.CONTROL:
            self._stop(said.decode())
        elif kind == "message":
            self._read_ahead(orjson.loads(said))

    def _read_ahead(self, seen: wire.Payload) -> None:
        """Only on a node that does nothing else, and only the newest hint."""
        self._reading.cancel()
        node = self._nodes.idle()
        if node is not None:
            request = Request(seen["messages"], seen["sampling"])
            reading = engine(node.kind).read_ahead(self._http, node, request)
            self._reading, self._read = asyncio.create_task(reading), request.messages

    async def _let_finish_reading(self, messages: list[dict[str, str]]) -> None:
        """What is just being read is waited for, since it would otherwise be read twice; anything else is let go."""
        if self._reading.done():
            return
        if self._read == messages:
            await asyncio.wait({self._reading}, timeout=READING)
        else:
            self._reading.cancel()

    def _stop(self, inspiration_id: str) -> None:
        for writing in self._writings:
            if writing.claim.inspiration_id == inspiration_id:
                writing.break_off("stop")

    async def _watch_engine(self) -> None:
        while True:
            await self._nodes.probe(self._http)
            health = self._nodes.state()
            with suppress(RedisError, OSError):
                await self._log.say_engine(wire.notice("engine", state=health.state, progress=health.progress))
            await asyncio.sleep(PROBE_EVERY)


def _status(writing: Writing, error: str) -> str:
    if writing.broken_by == "stop":
        return Status.STOPPED
    if error:
        return Status.INTERRUPTED if writing.stream.text else Status.FAILED
    return Status.DONE


def _node() -> Node:
    return Node(
        name=settings.ENGINE_KIND,
        kind=settings.ENGINE_KIND,
        url=settings.ENGINE_URL,
        key=settings.ENGINE_KEY,
        model=settings.MODEL,
        capacity=settings.ENGINE_CAPACITY,
    )
