"""A session's photographs: taken in once they are clean, kept or not, and gone for good when they go."""

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import transaction

from inference.models.catalogue import TAGGER
from inference.supply import kept
from inference.vision import facts, tagging
from inference.vision.opening import Opened
from writingapp.models import Photo, WritingSession
from writingapp.refusals import Refusal

logger = logging.getLogger(__name__)

MOST = 6  # of one session
ORPHANED_AFTER = 3600.0  # seconds that a file may lie without its row


def room(*, session: WritingSession) -> None:
    """Whether one more may come, asked before it is opened. Raises Refusal: finished, photo_too_many."""
    if session.state == WritingSession.State.FINISHED:
        raise Refusal("finished", str(session.pk))
    if session.photos.count() >= MOST:
        raise Refusal("photo_too_many", str(session.pk))


def weights() -> Path | None:
    """The classifier's file; None, which is logged, where it is wanted and not here."""
    if not settings.PHOTO_TAGS:
        return None
    found = kept(TAGGER, Path(settings.MODEL_CACHE))
    if found is None:
        logger.warning("%s is not in MODEL_CACHE: photographs are measured only", TAGGER.file)
    return found


def receive(
    *, session: WritingSession, opened: Opened, language: str, likely: Mapping[int, float] | None = None
) -> Photo:
    """Lay down a clean picture. Its chips say what a classifier holds likely, and what was measured.

    Raises Refusal as `room` does.
    """
    guessed = tagging.words(likely or {}, language)
    photo = Photo(
        id=uuid.uuid4(),
        session=session,
        state=Photo.State.SEEN,
        width=opened.width,
        height=opened.height,
        digest=hashlib.sha256(opened.jpeg).hexdigest(),
        facts=opened.facts,
        chips=guessed + facts.words(opened.facts, language),
        source="tagger" if guessed else "measured",
    )
    try:
        _lay(photo.path, opened.jpeg)
        with transaction.atomic():
            room(session=WritingSession.objects.select_for_update().get(pk=session.pk))
            photo.save(force_insert=True)
    except BaseException:
        photo.path.unlink(missing_ok=True)
        raise
    return photo


def _lay(path: Path, jpeg: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(jpeg)


def pixels(*, photo_id: str) -> bytes:
    """The clean picture, for a model that sees; empty if it is gone."""
    try:
        return Photo(pk=uuid.UUID(photo_id)).path.read_bytes()
    except FileNotFoundError:
        return b""


def seen(*, photo_id: str, chips: list[str]) -> Photo | None:
    """What a model saw in it, in the place of what was guessed; None if it is gone."""
    Photo.objects.filter(pk=photo_id).update(chips=chips, source="vlm")
    return Photo.objects.filter(pk=photo_id).first()


def keep(*, photo: Photo, kept: bool) -> Photo:
    """Keep it beyond its session, or no longer; in a session that is over that is its end.

    Raises Photo.DoesNotExist where it is gone.
    """
    with transaction.atomic():  # before its session ends or after, and not in the middle of it
        session = WritingSession.objects.select_for_update().get(pk=photo.session_id)
        held = Photo.objects.filter(pk=photo.pk)
        if not held.update(kept=kept):
            raise Photo.DoesNotExist
        if not kept and session.state == WritingSession.State.FINISHED:
            held.delete()
    photo.kept = kept
    return photo


def sweep_orphans() -> int:
    """Files without a row, left by a process that died between the two."""
    folder, gone = Path(settings.PHOTOS), 0
    for path in folder.glob("*.jpg") if folder.is_dir() else ():
        if _is_old(path) and not Photo.objects.filter(pk=path.stem).exists():
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _is_old(path: Path) -> bool:
    """A file that is deleted meanwhile is of no age."""
    try:
        return time.time() - path.stat().st_mtime > ORPHANED_AFTER
    except FileNotFoundError:
        return False
