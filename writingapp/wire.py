"""Protocol version 1: the shape of every message, in and out. `docs/protocol.md` tells what they mean."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, ValidationError

from inference.verse.forms import FORMS
from writingapp.models import Candidate, Inspiration, Photo, Rating, WritingSession
from writingapp.options_wire import OptionsIn
from writingapp.refusals import Refusal, sentence
from writingapp.services.manuscripts import Change, Conflict, Patch, Saved
from writingapp.text_wire import Number, Text

PROTOCOL = 1
ID_LENGTH = 36  # characters of a uuid: of what names a refused message no more is said back
Payload = dict[str, Any]


# --- in --------------------------------------------------------------------------------------------------------------
class _In(BaseModel):
    """What a client sends: fields beyond the known are ignored, so that a newer page can speak to an older house."""

    model_config = ConfigDict(strict=False, extra="ignore", frozen=True)


class PatchIn(_In):
    """Characters `start` to `end` are replaced by `text`."""

    start: Number
    end: Number
    text: Text


class Save(_In):
    """A save of the manuscript, whole or as a patch."""

    type: Literal["save"] = "save"
    save_id: uuid.UUID
    base_rev: Number
    text: Text | None = None
    patch: PatchIn | None = None
    length: Number = 0

    def change(self) -> Change:
        patch = Patch(self.patch.start, self.patch.end, self.patch.text) if self.patch else None
        return Change(text=self.text, patch=patch, length=self.length)


class Inspire(_In):
    """An ask. Its fields are judged one by one by the service, so that each fault is told beside its field."""

    type: Literal["inspire"] = "inspire"
    key: uuid.UUID
    kind: Text
    form: Text = ""
    wish: Text = ""
    before: Text = ""
    candidates: int = 2
    photo_id: uuid.UUID | None = None
    chips: list[Text] = Field(default_factory=list, max_length=64)
    options: OptionsIn = OptionsIn()


class Hint(_In):
    """What she is about to ask, as far as it is written."""

    type: Literal["hint"] = "hint"
    kind: Text
    form: Text = ""
    wish: Text = ""
    before: Text = ""
    options: OptionsIn = OptionsIn()


class Attach(_In):
    """A client holds `seq` characters of attempt `attempt` and wants the rest."""

    type: Literal["attach"]
    candidate: uuid.UUID
    attempt: Number
    seq: Number


class Stop(_In):
    """Stop making what is still being made for an inspiration."""

    type: Literal["stop"]
    inspiration: uuid.UUID


class Take(_In):
    """She took a candidate, or a line of it, into her text."""

    type: Literal["take"]
    candidate: uuid.UUID


class Swap(_In):
    """Two lines to choose from in the place of line `line` of a poem, counted from 0."""

    type: Literal["swap"] = "swap"
    key: uuid.UUID
    candidate: uuid.UUID
    line: Number


class Clock(_In):
    """Pause, resume or finish."""

    type: Literal["pause", "resume", "finish"]


class Extend(_In):
    """More time."""

    type: Literal["extend"] = "extend"
    seconds: int = Field(ge=1, le=3600)


class Ack(_In):
    """The client has shown the first `seq` characters."""

    type: Literal["ack"]
    candidate: uuid.UUID
    seq: Number


class Ping(_In):
    """Is anybody there, and what time is it?"""

    type: Literal["ping"]
    t: float


Message = Save | Inspire | Hint | Attach | Stop | Take | Swap | Clock | Extend | Ack | Ping


class _Any(RootModel[Annotated[Message, Discriminator("type")]]):
    """Any one of them, told apart by `type`."""


def parse(raw: str | bytes) -> Message:
    """Read a client's message. Raises Refusal: malformed, unknown_type."""
    try:
        loaded = orjson.loads(raw)
        return _Any.model_validate(loaded).root
    except orjson.JSONDecodeError:
        raise Refusal("malformed") from None
    except ValidationError as fault:
        unknown = any(error["type"].startswith("union_tag") for error in fault.errors(include_input=False))
        code = "unknown_type" if unknown and isinstance(loaded, dict) else "malformed"
        raise Refusal(code, _named(loaded)) from None


def reference_in(raw: str | bytes) -> str:
    """The id that a message names which is refused unread."""
    try:
        return _named(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return ""


def _named(loaded: object) -> str:
    if not isinstance(loaded, dict):
        return ""
    ref = loaded.get("save_id") or loaded.get("key") or loaded.get("candidate") or loaded.get("inspiration")
    return ref[:ID_LENGTH] if isinstance(ref, str) else ""


def reference(message: Message) -> str:
    """The id that an error about this message speaks of."""
    match message:
        case Save():
            return str(message.save_id)
        case Inspire() | Swap():
            return str(message.key)
        case Attach() | Take() | Ack():
            return str(message.candidate)
        case Stop():
            return str(message.inspiration)
        case _:
            return ""


# --- out -------------------------------------------------------------------------------------------------------------
def dumps(payload: Payload) -> str:
    return orjson.dumps(payload).decode()


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _span_ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def hello(
    session: WritingSession, inspirations: list[Payload], photos: list[Payload], engine: Payload, now: datetime
) -> Payload:
    return {
        "type": "hello",
        "protocol": PROTOCOL,
        "now_ms": ms(now),
        "session": clock(session, now),
        "manuscript": {"rev": session.rev, "text": session.text},
        "inspirations": inspirations,
        "photos": photos,
        "engine": engine,
    }


def clock(session: WritingSession, now: datetime) -> Payload:
    """The session as every tab shows it."""
    left = session.remaining(now)
    running = session.state == WritingSession.State.RUNNING
    return {
        "type": "session",
        "id": str(session.pk),
        "state": session.state,
        "theme": session.theme,
        "minutes": session.minutes,
        "goal": session.goal,
        "started_ms": ms(session.started_at),
        "deadline_ms": ms(session.deadline) if session.deadline and running else None,
        "remaining_ms": None if left is None else _span_ms(left),
        "paused_ms": _span_ms(session.paused_total),
        "written_ms": _span_ms(session.written_for(now)),
        "finished_ms": ms(session.finished_at) if session.finished_at else None,
        "now_ms": ms(now),
    }


def saved(answer: Saved) -> Payload:
    return {
        "type": "saved",
        "save_id": str(answer.save_id),
        "rev": answer.rev,
        "late": answer.late,
        "characters": answer.characters,
    }


def conflict(answer: Conflict) -> Payload:
    return {"type": "conflict", "save_id": str(answer.save_id), "rev": answer.rev, "text": answer.text}


def revision(answer: Saved) -> Payload:
    patch = {"start": answer.patch.start, "end": answer.patch.end, "text": answer.patch.text}
    return {"type": "revision", "base_rev": answer.base_rev, "rev": answer.rev, "patch": patch}


def inspiration(row: Inspiration, candidates: list[Candidate], ratings: Sequence[Rating] = ()) -> Payload:
    form = FORMS.get(row.form)
    return {
        "id": str(row.pk),
        "key": str(row.key),
        "kind": row.kind,
        "form": row.form,
        "wish": row.wish,
        "photo_id": str(row.photo_id) if row.photo_id else None,
        "chips": row.chips,
        "options": row.options,
        "language": row.language,
        "lines": 1 if row.of_id else form.lines if form else None,
        "of": str(row.of_id) if row.of_id else None,
        "line": row.line,
        "created_ms": ms(row.created_at),
        "candidates": [candidate(each) for each in candidates],
        "rating": judged(candidates, ratings),
    }


def photo(row: Photo) -> Payload:
    return {
        "id": str(row.pk),
        "width": row.width,
        "height": row.height,
        "chips": row.chips,
        "source": row.source,
        "kept": row.kept,
        "created_ms": ms(row.created_at),
    }


def candidate(row: Candidate) -> Payload:
    return {
        "id": str(row.pk),
        "position": row.position,
        "attempt": row.attempt,
        "seq": len(row.text),
        "text": row.text,
        "status": row.status,
        "error": fault(row.error),
        "conforms": row.conforms,
        "taken": row.taken_at is not None,
    }


def judged(candidates: list[Candidate], ratings: Sequence[Rating]) -> Payload:
    """What she says of an inspiration. Who wrote which text is told once nothing is left to judge blindly."""
    comparison = next((each for each in ratings if each.kind in Rating.COMPARING), None)
    scores = [each for each in ratings if each.kind == Rating.Kind.SCORE]
    seen = comparison is not None or (bool(scores) and len(candidates) == 1)
    return {
        "comparison": rating(comparison) if comparison else None,
        "scores": [rating(each) for each in scores],
        "wrote": {str(each.pk): each.adapter for each in candidates} if seen else None,
    }


def rating(row: Rating) -> Payload:
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "candidate": str(row.candidate_id) if row.candidate_id else None,
        "line": row.line,
        "score": row.score,
        "tags": row.tags,
        "consent": row.consent,
    }


def queued(key: uuid.UUID, told: Payload) -> Payload:
    return {"type": "queued", "key": str(key), "inspiration": told}


def busy(key: uuid.UUID, code: str, retry_after_ms: int) -> Payload:
    told = sentence(code)
    return {"type": "busy", "key": str(key), "code": code, "retry_after_ms": retry_after_ms, "message": told}


def invalid(key: uuid.UUID, errors: dict[str, str]) -> Payload:
    return {"type": "invalid", "key": str(key), "errors": errors}


def frame(candidate_id: str, attempt: int, seq: int, text: str) -> Payload:
    return {"type": "frame", "candidate": candidate_id, "attempt": attempt, "seq": seq, "text": text}


def reset(candidate_id: str, attempt: int, seq: int) -> Payload:
    return {"type": "reset", "candidate": candidate_id, "attempt": attempt, "seq": seq}


def end(row: Candidate) -> Payload:
    return {
        "type": "end",
        "candidate": str(row.pk),
        "attempt": row.attempt,
        "status": row.status,
        "text": row.text,
        "error": fault(row.error),
        "conforms": row.conforms,
    }


def taken(candidate_id: uuid.UUID) -> Payload:
    return {"type": "taken", "candidate": str(candidate_id)}


def notice(kind: str, **details: object) -> Payload:
    return {"type": "notice", "kind": kind, **details}


def pong(t: float, now: datetime) -> Payload:
    return {"type": "pong", "t": t, "now_ms": ms(now)}


def error(code: str, ref: str = "") -> Payload:
    return {"type": "error", "code": code, "message": sentence(code), "ref": ref}


def fault(code: str) -> Payload | None:
    """A candidate's error in the language that is active now."""
    return {"code": code, "message": sentence(code)} if code else None
