"""A seeing node looks at a photograph; its chips take the place of those that were guessed or measured.

Nobody waits for it: the guessed chips stand on the page meanwhile, and stay where no node sees, where it fails, or
where the worker ends before it is through.
"""

import logging
from contextlib import aclosing

from redis.exceptions import RedisError

from inference.engines import engine
from inference.errors import EngineError
from inference.nodes import Need, Priority
from inference.request import Request, language_of
from inference.vision import seeing
from writingapp import db, wire
from writingapp.engineroom import EngineRoom
from writingapp.services import photos
from writingapp.stream import Log

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 2_000  # of an answer; no honest one has 400


async def look(room: EngineRoom, log: Log, photo_id: str, language: str) -> None:
    """Whatever goes wrong is logged, without a word of what the picture or the answer holds."""
    jpeg = await db.run(photos.pixels, photo_id=photo_id)
    if not jpeg:
        return
    tongue = language_of("", language)
    try:
        said = await _ask(room, photo_id, seeing.look(jpeg, tongue))
        chips = seeing.chips(said, tongue)
    except (EngineError, ValueError) as fault:
        logger.warning("photograph %s: its chips stay as they were (%s)", photo_id, type(fault).__name__)
        return
    photo = await db.run(photos.seen, photo_id=photo_id, chips=chips)
    if photo is None:
        return
    try:
        await log.announce(str(photo.session_id), wire.notice("photo", photo=wire.photo(photo)))
    except (RedisError, OSError) as fault:
        logger.warning("photograph %s: its chips are not announced (%s)", photo_id, type(fault).__name__)


async def _ask(room: EngineRoom, photo_id: str, request: Request) -> str:
    """The whole answer. Behind every poem: a writer has chips already."""
    said = ""
    async with room.lease(Need(photo_id, priority=Priority.BACKGROUND, sees=True)) as node:
        if not node.sees:
            raise ValueError("no node sees now")  # no fault of this one, so no EngineError
        async with aclosing(engine(node.kind).stream(room.http, node, request)) as pieces:
            async for piece in pieces:
                said += piece.text
                if len(said) > MOST_CHARACTERS:
                    raise ValueError("endless")
    return said
