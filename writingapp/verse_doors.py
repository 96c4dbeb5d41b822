"""The verbs of verse: what a form is, and what is to be said of a poem. As doors.py, they ask access and services."""

from django.utils.translation import get_language

from inference.verse.registry import FORMS
from inference.verse.teaching import lessons
from writingapp import access, db, verse_wire
from writingapp.access import NotHere
from writingapp.models import User
from writingapp.services import verdicts
from writingapp.wire import Payload


def form(name: str) -> Payload:
    """What a form is held to, with poems of old for each of its patterns."""
    if name not in FORMS:
        raise NotHere
    return verse_wire.form(name, lessons(name, "en" if (get_language() or "").startswith("en") else "zh"))


async def verdict(user: User, session_id: str, candidate_id: object) -> Payload:
    """Also which lines were written long ago; of a text without a metre only that."""

    def work() -> verdicts.Judged:
        return verdicts.judge(candidate=access.candidate_for(user, session_id, candidate_id))

    return verse_wire.judged(await db.run(work))
