"""What travels when she rates. `judged`, which every inspiration carries, stands in wire.py with the inspiration."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from writingapp.models import Candidate, Inspiration, Rating
from writingapp.text_wire import Text
from writingapp.wire import Payload, judged, ms


class _In(BaseModel):
    """As in wire.py."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Compare(_In):
    """Which of the two is better, or neither. Without `tags` they stay as they are."""

    kind: Literal["prefer", "tie", "both_bad"]
    candidate: uuid.UUID | None = None
    tags: list[Text] | None = Field(default=None, max_length=20)


class Score(_In):
    """One to five, for a text or for one of its lines."""

    score: int
    line: int | None = None
    tags: list[Text] | None = Field(default=None, max_length=20)


class Allow(_In):
    """Whether a rating may train."""

    consent: bool


class Answer(_In):
    """Her answer to the question that is asked once, and the rating beside which it was asked."""

    consents: bool
    rating: uuid.UUID | None = None


def rated(row: Inspiration, candidates: list[Candidate], ratings: Sequence[Rating], now: datetime) -> Payload:
    told = judged(candidates, ratings)
    return {"type": "rated", "inspiration": str(row.pk), "at_ms": ms(now), "rating": told}
