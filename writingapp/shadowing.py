"""A challenger that nobody meets yet answers the asks of writers once more, in the shadow of whoever writes.

Whether it comes to an end, keeps the form and says anything at all is counted; its texts are thrown away. It takes
seats that writers leave free, one ask at a time, once all of a writer's is written and nobody waits, so that it learns
nothing from a rush and costs it nothing.
"""

import asyncio
import logging
import time
from contextlib import aclosing

from inference.drafting import ROOMY
from inference.engines import engine
from inference.engines.base import Node
from inference.errors import EngineError
from inference.nodes import Need, Priority
from inference.request import Request
from inference.verse.forms import conforms
from inference.verse.held import Held
from training.likeness import degenerate
from writingapp import db
from writingapp.engineroom import EngineRoom
from writingapp.services import trials
from writingapp.services.claims import Claim

logger = logging.getLogger(__name__)

AGAIN = 10.0  # seconds until a worker that found nobody to follow looks again: texts end often, trials begin seldom


class Shadow:
    """One worker's."""

    def __init__(self, room: EngineRoom) -> None:
        self._room = room
        self._task: asyncio.Task[None] | None = None
        self._at: Node | None = None  # where it writes
        self._rests_until = 0.0

    def follow(self, claim: Claim) -> None:
        """Answer this ask, too, unless another is being answered or a text waits for a node."""
        if time.monotonic() < self._rests_until or self._room.nodes.waiting:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(claim))

    def make_way(self, need: Need) -> None:
        """A writer's text comes. A small node writes for one adapter after the other: hers is not to wait for this."""
        if self._task is not None and self._at is not None and self._at.capacity < ROOMY:
            likely = self._room.nodes.likely(need)
            if likely is None or likely.name == self._at.name:
                self._task.cancel()

    def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _follow(self, claim: Claim) -> None:
        try:
            challenger = await db.run(trials.in_shadow)
            if not challenger:
                self._rests_until = time.monotonic() + AGAIN
            elif not claim.photo_id:
                await db.run(trials.note_shadow, challenger=challenger, told=await self._told(claim, challenger))
        except Exception:  # nobody waits for it
            logger.exception("the shadow of candidate %s is lost", claim.candidate_id)
        finally:
            self._at = None

    async def _told(self, claim: Claim, challenger: str) -> dict[str, float]:
        """What became of the ask, as counts that add up; nothing where that says nothing of the challenger."""
        began = time.perf_counter()
        try:
            text = await self._text(claim, challenger)
        except EngineError as fault:
            logger.warning("the shadow of candidate %s: %s", claim.candidate_id, fault)
            return {"asked": 1, "failed": 1} if await self._ruined(fault) else {}
        if text is None:
            return {}
        seconds = time.perf_counter() - began
        return {
            "asked": 1,
            "seconds": seconds,
            "broken": _broken(claim, text),
            "out_of_form": _out_of_form(claim, text),
        }

    async def _ruined(self, fault: EngineError) -> bool:
        """Whether a node that is well broke the text off. That there was none, or that it died, is no fault of its."""
        if fault.code != "engine_broken" or self._at is None:
            return False
        return (await engine(self._at.kind).health(self._room.http, self._at)).state == "ready"

    async def _text(self, claim: Claim, challenger: str) -> str | None:
        need = Need(claim.session_id, challenger, priority=Priority.BACKGROUND)
        async with self._room.lease(need) as node:
            if challenger not in node.adapters:
                return None
            self._at = node
            request = Request(claim.messages, claim.sampling, "", challenger)
            async with aclosing(engine(node.kind).stream(self._room.http, node, request)) as pieces:
                return "".join([piece.text async for piece in pieces])


def _broken(claim: Claim, text: str) -> bool:
    return degenerate(text, claim.sampling.get("constraint", {}).get("language", "zh"))


def _out_of_form(claim: Claim, text: str) -> bool:
    """By the checker; another line in the place of one is part of no poem here."""
    constraint = claim.sampling.get("constraint", {})
    if "form" not in constraint or "instead" in constraint:
        return False
    held = Held.of(constraint)
    return not conforms(held.form, text, held.language, held.options)
