"""What a ring of the bell says: which inspiration and, of a new ask, the claim that its first text will be.

So an engine is asked while the row is still being claimed. Until the rows have said the same, not a character leaves.
"""

from collections.abc import Sequence
from datetime import datetime

import orjson

from writingapp.models import Candidate, Inspiration
from writingapp.services.claims import Claim


def ring(inspiration: Inspiration, candidates: Sequence[Candidate]) -> str:
    """For an ask that has just been committed; of one that waits for another nothing is foretold."""
    if inspiration.after_id:
        return str(inspiration.pk)
    return orjson.dumps(_foretold(inspiration, candidates[0])).decode()


def heard(rung: bytes) -> tuple[str, Claim | None]:
    """The inspiration, and the claim where one is foretold. Raises ValueError: that was no ring."""
    if not rung.startswith(b"{"):
        return rung.decode(), None
    told = orjson.loads(rung)
    try:
        claim = Claim(**told | {"asked_at": datetime.fromisoformat(told["asked_at"])})
    except (KeyError, TypeError, ValueError):  # a web process of another release says other things: the rows say all
        claim = None
    return told["inspiration_id"], claim


def _foretold(inspiration: Inspiration, candidate: Candidate) -> Claim:
    """What `claims.claim_next` will say of it."""
    return Claim(
        candidate_id=str(candidate.pk),
        inspiration_id=str(inspiration.pk),
        session_id=str(inspiration.session_id),
        attempt=1,
        messages=inspiration.messages,
        sampling=candidate.sampling,
        written="",
        adapter=candidate.adapter,
        arm=candidate.arm,
        asked_at=inspiration.created_at,
        photo_id=str(inspiration.photo_id or ""),
    )
