"""Another line in the place of one: two texts to choose from, held to what the line is held to."""

import secrets
import uuid
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from inference.request import another_line
from inference.verse.forms import FORMS, instead
from inference.verse.held import Held
from inference.verse.options import Options
from inference.verse.script import as_made
from inference.verse.shape import NoSuchBeginning
from writingapp import statements
from writingapp.models import Candidate, Inspiration, Rating, WritingSession
from writingapp.refusals import Refusal
from writingapp.services.inspiring import MOST_CANDIDATES, Asked, Busy, once

Status = Candidate.Status


def swap(*, session: WritingSession, candidate: Candidate, line: int, key: uuid.UUID, now: datetime) -> Asked | Busy:
    """Ask for two lines that could stand in the place of line `line` (from 0) of a finished poem, as she has it now.

    Raises Refusal: finished, no_line, said_twice, no_other.
    """
    poem = as_kept(candidate)
    lines = poem.split("\n")
    if candidate.inspiration.form not in FORMS or candidate.status != Status.DONE or candidate.conforms is False:
        raise Refusal("no_line", str(candidate.pk))
    if not (0 <= line < len(lines) and lines[line].strip()):
        raise Refusal("no_line", str(candidate.pk))
    if lines.count(lines[line]) > 1:
        raise Refusal("said_twice", str(candidate.pk))
    return once(session, key, MOST_CANDIDATES, lambda after: _create(session, candidate, poem, line, key, now, after))


def _create(
    session: WritingSession,
    of: Candidate,
    poem: str,
    line: int,
    key: uuid.UUID,
    now: datetime,
    after: uuid.UUID | None,
) -> Asked:
    parent = of.inspiration
    _check(of, poem, line)
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
        after_id=after,
    )
    rows = [
        Candidate(inspiration=inspiration, position=position, sampling=sampling, queued_at=now)
        for position, (_, sampling) in enumerate(drawn)
    ]
    statements.insert(inspiration)
    statements.insert(*rows)
    return Asked(inspiration, rows)


def _check(of: Candidate, poem: str, line: int) -> None:
    """Whether there is another line at all: what she asked for may leave nothing open."""
    try:
        instead(Held.of(of.sampling["constraint"]), as_model_wrote(poem, of.inspiration), line)
    except NoSuchBeginning as error:
        raise Refusal("no_other", str(of.pk)) from error


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


def asked_still(options: Options, wrote: str, has: str) -> Options:
    """What she asked of a poem, but for kept lines that she has changed since: that was hers to do.

    Kept lines are counted without the empty ones between stanzas.
    """
    rows = [(line, now) for line, now in zip(wrote.split("\n"), has.split("\n"), strict=False) if line.strip()]
    changed = {at for at, (line, now) in enumerate(rows) if line != now}
    return replace(options, pins=tuple(pin for pin in options.pins if pin[0] not in changed))


def as_model_wrote(text: str, ask: Inspiration) -> str:
    """A text before its script was turned, which is done after the model and not for it to learn."""
    return as_made(text, ask.form) if ask.options.get("script") == "hant" else text
