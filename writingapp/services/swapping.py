"""Another line in the place of one: two texts to choose from, held to what the line is held to."""

import secrets
import uuid
from collections import defaultdict
from datetime import datetime

from inference.request import another_line
from inference.verse.forms import FORMS
from inference.verse.script import as_made
from writingapp.models import Candidate, Inspiration, Rating, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import statements
from writingapp.services.inspiring import MOST_CANDIDATES, Asked, Busy, once

Status = Candidate.Status


def swap(*, session: WritingSession, candidate: Candidate, line: int, key: uuid.UUID, now: datetime) -> Asked | Busy:
    """Ask for two lines that could stand in the place of line `line` (from 0) of a finished poem, as she has it now.

    Raises Refusal: finished, no_line, said_twice.
    """
    poem = as_kept(candidate)
    lines = poem.split("\n")
    if candidate.inspiration.form not in FORMS or candidate.status != Status.DONE or candidate.conforms is False:
        raise Refusal("no_line", str(candidate.pk))
    if not (0 <= line < len(lines) and lines[line].strip()):
        raise Refusal("no_line", str(candidate.pk))
    if lines.count(lines[line]) > 1:
        raise Refusal("said_twice", str(candidate.pk))
    return once(session, key, MOST_CANDIDATES, lambda: _create(session, candidate, poem, line, key, now))


def _create(session: WritingSession, of: Candidate, poem: str, line: int, key: uuid.UUID, now: datetime) -> Asked:
    parent = of.inspiration
    drawn = [
        another_line(parent.messages, of.sampling, poem, line, secrets.randbelow(2**31)) for _ in range(MOST_CANDIDATES)
    ]
    inspiration = Inspiration(
        session_id=session.pk,
        key=key,
        kind=Inspiration.Kind.SWAP,
        form=parent.form,
        wish=parent.wish,
        language=parent.language,
        options=parent.options,
        messages=drawn[0][0],
        of=of,
        line=line,
    )
    rows = [
        Candidate(inspiration=inspiration, position=position, sampling=sampling, queued_at=now)
        for position, (_, sampling) in enumerate(drawn)
    ]
    statements.insert(inspiration)
    statements.insert(*rows)
    return Asked(inspiration, rows)


def as_kept(candidate: Candidate) -> str:
    """The poem with every line in it that she chose instead."""
    return with_lines(candidate.text, kept_lines(inspiration__of=candidate).get(candidate.pk, {}))


def kept_lines(**which: object) -> dict[uuid.UUID, dict[int, str]]:
    """By poem, and in it by line: the lines that she chose instead, the latest of each place."""
    chosen = Rating.objects.filter(kind=Rating.Kind.PREFER, again=False, withdrawn_at=None, **which)
    found: dict[uuid.UUID, dict[int, str]] = defaultdict(dict)
    rows = chosen.exclude(inspiration__of=None).order_by("updated_at")
    for poem, line, text in rows.values_list("inspiration__of", "inspiration__line", "candidate__text"):
        if poem is not None and line is not None:
            found[poem][line] = text or ""
    return found


def with_lines(poem: str, kept: dict[int, str]) -> str:
    return "\n".join(kept.get(at, line) for at, line in enumerate(poem.split("\n")))


def within(row: Candidate) -> str:
    """A text as she saw it: another line in its poem, anything else as it is."""
    of = row.sampling.get("constraint", {}).get("instead")
    return with_lines(of["poem"], {of["line"]: row.text}) if of else row.text


def as_model_wrote(text: str, ask: Inspiration) -> str:
    """A text before its script was turned, which is done after the model and not for it to learn."""
    return as_made(text, ask.form) if ask.options.get("script") == "hant" else text
