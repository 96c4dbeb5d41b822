"""A worker's claims, those of one moment in one transaction: SQLite lets one writer in at a time, and in a burst each
claim would wait anew for all who ask.
"""

import asyncio
from operator import itemgetter

from django.utils import timezone

from writingapp import db
from writingapp.services import claims
from writingapp.services.claims import Claim

MOST_TOGETHER = 16  # so that whoever asks meanwhile does not wait long for it


class Claims:
    """Use it on one event loop. What comes while a transaction runs goes together into the next."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[str, asyncio.Future[Claim | None]]] = []

    async def next(self, inspiration_id: str) -> Claim | None:
        """As `claims.claim_next`. Raises whatever the database raised, for all that went together."""
        future: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((inspiration_id, future))
        async with self._turn:
            if not future.done():  # nobody's turn before has taken it along
                await self._take()
        return await future

    async def _take(self) -> None:
        """Sorted, so that no two workers wait for each other's rows."""
        together, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        together.sort(key=itemgetter(0))
        ids = [inspiration_id for inspiration_id, _ in together]
        try:
            found = await db.run(claims.claim_each, inspiration_ids=ids, now=timezone.now())
        except Exception as fault:
            for _, future in together:
                future.set_exception(fault)
            return
        for (_, future), claim in zip(together, found, strict=True):
            future.set_result(claim)
