"""One text under the pen, as its worker sees it: the claim on its row, the stream that it leaves by, how it fares."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from inference.engines.base import Node
from writingapp.models import Candidate
from writingapp.outlet import Stream
from writingapp.services.claims import Claim

Status = Candidate.Status

MIXED = "mixed"  # the adapter of a text that more than one model wrote, since a node died under it


@dataclass(eq=False, slots=True)
class Writing:
    """One candidate under the pen. `claiming` answers what the rows say; the claim may have come by the bell."""

    claim: Claim
    stream: Stream
    claiming: asyncio.Future[Claim | None]
    node: Node | None = None
    adapters: set[str] = field(default_factory=set)  # of whoever wrote some of it; empty for the base
    failed: set[str] = field(default_factory=set)  # nodes that broke off
    queued: float = 0.0  # seconds that it has waited for a seat since its last character
    tokens: int = 0
    conforms: bool | None = None
    seated_at: datetime | None = None
    first_text_at: datetime | None = None
    broken_by: Literal["", "stop", "lost", "leaving"] = ""
    done: bool = False  # whole, and in its row
    making: asyncio.Task[None] | None = field(default=None)

    @property
    def held(self) -> bool:
        """Whether the rows are known to say what the claim does. Before that its attempt may be another worker's."""
        told = self.claiming
        return told.done() and told.exception() is None and told.result() == self.claim

    async def is_held(self) -> bool:
        """`held`, once that is known; False, too, where the rows could not be asked."""
        if not self.claiming.done():
            await asyncio.wait({self.claiming})  # which leaves it alone when whoever waits is cancelled
        return self.held

    def break_off(self, why: Literal["stop", "lost", "leaving"]) -> None:
        """The first reason counts, except that nothing is ever written down for a text that is lost."""
        if not self.broken_by or why == "lost":
            self.broken_by = why
            if self.making:
                self.making.cancel()

    def outcome(self, error: str) -> str:
        """The status that its row ends in."""
        if self.broken_by == "stop":
            return Status.STOPPED
        if error:
            return Status.INTERRUPTED if self.stream.text else Status.FAILED
        return Status.DONE

    @property
    def adapter(self) -> str:
        return MIXED if len(self.adapters) > 1 else next(iter(self.adapters), self.claim.adapter)

    @property
    def where(self) -> tuple[str, str]:
        """Engine and node, as the operator's figures name them."""
        return (self.node.kind, self.node.name) if self.node else ("", "")
