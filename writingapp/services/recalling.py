"""What she has said: of a session, of an inspiration, all of it for her to take along, and what to show her again."""

import uuid
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from writingapp.models import Inspiration, Rating, User, WritingSession
from writingapp.services import almanac

A_WEEK = timedelta(days=7)


def of_session(session: WritingSession) -> dict[uuid.UUID, list[Rating]]:
    """What she says of each inspiration of a session: the ratings that stand."""
    rows = Rating.objects.filter(inspiration__session=session, withdrawn_at=None, again=False)
    found: dict[uuid.UUID, list[Rating]] = defaultdict(list)
    for row in rows.defer("history"):
        found[row.inspiration_id].append(row)
    return found


def of_inspiration(inspiration: Inspiration) -> list[Rating]:
    return list(inspiration.ratings.filter(withdrawn_at=None, again=False).defer("history"))


def to_show_again(*, user: User, now: datetime) -> Rating | None:
    """A comparison of a week ago or earlier, to be judged once more the other way round: one on any of her days."""
    if not user.rates:
        return None
    shown = Rating.objects.filter(user=user, again=True)
    last = shown.order_by("-created_at").values_list("created_at", flat=True).first()
    if last and almanac.writer_day(user.time_zone, last) == almanac.writer_day(user.time_zone, now):
        return None
    old = Rating.objects.filter(
        user=user, kind__in=Rating.COMPARING, again=False, withdrawn_at=None, updated_at__lte=now - A_WEEK
    )
    return (
        old.exclude(inspiration__in=shown.values("inspiration"))
        .exclude(inspiration__kind=Inspiration.Kind.SWAP)  # a line alone says nothing a week later
        .select_related("inspiration")
        .order_by("updated_at", "pk")
        .first()
    )


def told(rating: Rating) -> dict[str, Any]:
    """All fields of one, with its texts, for her export."""
    texts = [{"id": str(each.pk), "text": each.text} for each in rating.inspiration.candidates.all()]
    return {
        "id": str(rating.pk),
        "inspiration": str(rating.inspiration_id),
        "session": str(rating.inspiration.session_id),
        "form": rating.inspiration.form or rating.inspiration.kind,
        "wish": rating.inspiration.wish,
        "kind": rating.kind,
        "candidate": str(rating.candidate_id) if rating.candidate_id else None,
        "line": rating.line,
        "score": rating.score,
        "tags": rating.tags,
        "again": rating.again,
        "swapped": rating.swapped,
        "latency_ms": rating.latency_ms,
        "consent": rating.consent,
        "fate": rating.fate,
        "reason": rating.reason,
        "history": rating.history,
        "created_at": rating.created_at.isoformat(),
        "updated_at": rating.updated_at.isoformat(),
        "withdrawn_at": rating.withdrawn_at.isoformat() if rating.withdrawn_at else None,
        "candidates": texts,
    }
