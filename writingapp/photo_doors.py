"""The verbs of photographs: access, gate, service. What came in lives in memory until the gate has answered."""

import asyncio
import weakref
from contextlib import suppress

from inference.vision.opening import Gate, NotOpened, Tagger
from writingapp import access, db, doors, tasks, wire
from writingapp.models import Photo, User
from writingapp.refusals import Refusal
from writingapp.services import nodes, photos
from writingapp.wire import Payload

_eyes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Gate, Tagger]] = weakref.WeakKeyDictionary()


async def receive(user: User, session_id: str, raw: bytes, language: str) -> Payload:
    """Raises Refusal: finished, or a code that begins with photo_. Whoever goes before the answer leaves nothing."""
    session = await db.run(access.session_for, user, session_id)
    await db.run(photos.room, session=session)
    gate, tagger = _eyes.setdefault(asyncio.get_running_loop(), (Gate(), Tagger()))
    try:
        opened = await gate.open(raw)
    except NotOpened as no:
        raise Refusal(f"photo_{no.code}", session_id) from None
    likely = await tagger.likely(opened.jpeg, await asyncio.to_thread(photos.weights))
    laying = asyncio.ensure_future(
        db.run(photos.receive, session=session, opened=opened, language=language, likely=likely)
    )
    try:
        return await _told(session_id, await asyncio.shield(laying), language)
    except asyncio.CancelledError:
        await _take_back(session_id, laying)
        raise


async def _told(session_id: str, photo: Photo, language: str) -> Payload:
    await doors.tell(session_id, wire.notice("photo", photo=wire.photo(photo)), "-")
    if await db.run(nodes.any_sees):
        await asyncio.to_thread(tasks.enqueue_look, str(photo.pk), language)
    return wire.photo(photo)


async def _take_back(session_id: str, laying: asyncio.Future[Photo]) -> None:
    """A thread lays a picture down even when whoever asked has gone."""
    with suppress(Refusal):
        photo = await laying
        ident = str(photo.pk)
        await db.run(photo.delete)
        await doors.tell(session_id, wire.notice("photo_gone", id=ident), "-")


async def of_session(user: User, session_id: str) -> list[Payload]:
    def look() -> list[Photo]:
        return list(access.session_for(user, session_id).photos.all())

    return [wire.photo(photo) for photo in await db.run(look)]


async def picture(user: User, session_id: str, photo_id: object) -> bytes:
    photo = await db.run(access.photo_for, user, session_id, photo_id)
    try:
        return await asyncio.to_thread(photo.path.read_bytes)
    except FileNotFoundError:
        raise access.NotHere from None


async def keep(user: User, session_id: str, photo_id: object, *, kept: bool) -> Payload:
    def work() -> Photo:
        try:
            return photos.keep(photo=access.photo_for(user, session_id, photo_id), kept=kept)
        except Photo.DoesNotExist:
            raise access.NotHere from None

    told = wire.photo(await db.run(work))
    await doors.tell(session_id, wire.notice("photo", photo=told), "-")
    return told


async def delete(user: User, session_id: str, photo_id: object) -> None:
    def work() -> None:
        access.photo_for(user, session_id, photo_id).delete()

    await db.run(work)
    await doors.tell(session_id, wire.notice("photo_gone", id=str(photo_id)), "-")
