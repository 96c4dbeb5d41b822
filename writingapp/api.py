"""The verbs of the protocol over HTTP, described by OpenAPI at /api/v1/openapi.json."""

import json
import logging
import uuid
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError
from ninja.parser import Parser
from ninja.security import SessionAuth
from ninja.throttling import BaseThrottle

from writingapp import doors, faults, pace, photo_doors, rating_doors, rating_wire, verse_doors, wire
from writingapp.access import NotHere
from writingapp.models import User
from writingapp.refusals import Refusal
from writingapp.wire import Payload

logger = logging.getLogger(__name__)

PICTURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOBODY = "http"  # no socket is the sender: every tab is told
STATUS = {"not_found": 404, "finished": 409, "resend_whole": 409, "too_long": 413, "too_fast": 429, "unavailable": 503}
STATUS |= {"rating_off": 409, "not_finished": 409, "nothing_to_rate": 409, "no_two": 409, "rating_withdrawn": 409}
STATUS |= {"never_trains": 409, "no_such_line": 422, "bad_score": 422, "unknown_tag": 422}
STATUS |= {"photo_too_big": 413, "photo_full": 503, "photo_too_many": 409}

NOT_LET_IN = {401: "no_login", 403: "no_token"}


def _writer(request: HttpRequest) -> User:
    return cast("User", request.user)


class Paced(BaseThrottle):
    """A request is a message like those of her sockets, from the same buckets."""

    def allow_request(self, request: HttpRequest) -> bool:
        try:
            pace.of(_writer(request).pk).step(0)
        except Refusal:
            return False
        return True


class Weighed(Parser):
    """JSON, whose characters she owes once they are here."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        said = request.body.decode()
        pace.of(_writer(request).pk).owe(len(said))
        return cast("dict[str, Any]", json.loads(said))


api = NinjaAPI(
    title="白露 Bailu",
    version="1",
    auth=SessionAuth(csrf=True),
    throttle=[Paced()],
    parser=Weighed(),
    docs_url=None,  # its pages would fetch scripts from another host
    description="The verbs of the socket, for clients without one. Messages are those of docs/protocol.md.",
)


@api.get("/sessions/{uuid:session_id}", summary="Everything a page needs: the socket's hello")
async def greet(request: HttpRequest, session_id: uuid.UUID) -> Payload:
    return await doors.greet(_writer(request), str(session_id))


@api.post("/sessions/{uuid:session_id}/save", summary="Save the manuscript")
async def save(request: HttpRequest, session_id: uuid.UUID, message: wire.Save) -> Payload:
    return await doors.save(_writer(request), str(session_id), message, NOBODY)


@api.post("/sessions/{uuid:session_id}/inspire", summary="Ask for inspiration")
async def inspire(request: HttpRequest, session_id: uuid.UUID, message: wire.Inspire) -> Payload:
    heard: list[Payload] = []
    await doors.inspire(_writer(request), str(session_id), message, NOBODY, heard.append)
    return heard[0]


@api.post("/sessions/{uuid:session_id}/swap", summary="Ask for another line in the place of one")
async def swap(request: HttpRequest, session_id: uuid.UUID, message: wire.Swap) -> Payload:
    heard: list[Payload] = []
    await doors.swap(_writer(request), str(session_id), message, NOBODY, heard.append)
    return heard[0]


@api.post("/sessions/{uuid:session_id}/inspirations/{uuid:inspiration_id}/stop", summary="Stop an inspiration")
async def stop(request: HttpRequest, session_id: uuid.UUID, inspiration_id: uuid.UUID) -> dict[str, Any]:
    await doors.stop(_writer(request), str(session_id), inspiration_id)
    return {}


@api.post("/sessions/{uuid:session_id}/candidates/{uuid:candidate_id}/take", summary="She took it into her text")
async def take(request: HttpRequest, session_id: uuid.UUID, candidate_id: uuid.UUID) -> Payload:
    return await doors.take(_writer(request), str(session_id), candidate_id, NOBODY)


@api.post("/sessions/{uuid:session_id}/pause", summary="Stop the clock")
async def pause(request: HttpRequest, session_id: uuid.UUID) -> Payload:
    return await doors.turn(_writer(request), str(session_id), "pause", NOBODY)


@api.post("/sessions/{uuid:session_id}/resume", summary="Let the clock run on")
async def resume(request: HttpRequest, session_id: uuid.UUID) -> Payload:
    return await doors.turn(_writer(request), str(session_id), "resume", NOBODY)


@api.post("/sessions/{uuid:session_id}/finish", summary="End the session")
async def finish(request: HttpRequest, session_id: uuid.UUID) -> Payload:
    return await doors.turn(_writer(request), str(session_id), "finish", NOBODY)


@api.post("/sessions/{uuid:session_id}/extend", summary="Add time")
async def extend(request: HttpRequest, session_id: uuid.UUID, more: wire.Extend) -> Payload:
    return await doors.extend(_writer(request), str(session_id), more.seconds, NOBODY)


@api.post("/sessions/{uuid:session_id}/inspirations/{uuid:inspiration_id}/compare", summary="Which of two is better")
async def compare(
    request: HttpRequest, session_id: uuid.UUID, inspiration_id: uuid.UUID, said: rating_wire.Compare
) -> Payload:
    return await rating_doors.compare(_writer(request), str(session_id), inspiration_id, said)


@api.post("/sessions/{uuid:session_id}/candidates/{uuid:candidate_id}/score", summary="One to five, for text or line")
async def score(
    request: HttpRequest, session_id: uuid.UUID, candidate_id: uuid.UUID, said: rating_wire.Score
) -> Payload:
    return await rating_doors.score(_writer(request), str(session_id), candidate_id, said)


@api.get("/sessions/{uuid:session_id}/candidates/{uuid:candidate_id}/verdict", summary="What the metre says of a poem")
async def verdict(request: HttpRequest, session_id: uuid.UUID, candidate_id: uuid.UUID) -> Payload:
    return await verse_doors.verdict(_writer(request), str(session_id), candidate_id)


@api.get("/forms/{name}", summary="What a form is held to, with a poem of old in it")
async def form(request: HttpRequest, name: str) -> Payload:
    return verse_doors.form(name)


@api.post("/ratings/{uuid:rating_id}/withdraw", summary="Take a rating back")
async def withdraw(request: HttpRequest, rating_id: uuid.UUID) -> Payload:
    return await rating_doors.withdraw(_writer(request), rating_id)


@api.post("/ratings/{uuid:rating_id}/consent", summary="Whether this rating may train")
async def allow(request: HttpRequest, rating_id: uuid.UUID, said: rating_wire.Allow) -> Payload:
    return await rating_doors.allow(_writer(request), rating_id, said)


@api.post("/ratings/consent", summary="Whether new ratings may train, as she is asked once")
async def answer(request: HttpRequest, said: rating_wire.Answer) -> Payload:
    return await rating_doors.answer(_writer(request), said)


@api.post("/sessions/{uuid:session_id}/photos", summary="A picture, as the whole body of the request")
async def receive_photo(request: HttpRequest, session_id: uuid.UUID) -> Payload:
    return await photo_doors.receive(_writer(request), str(session_id), request.read(), get_language() or "")


@api.get("/sessions/{uuid:session_id}/photos", summary="The pictures of a session")
async def list_photos(request: HttpRequest, session_id: uuid.UUID) -> list[Payload]:
    return await photo_doors.of_session(_writer(request), str(session_id))


@api.get("/sessions/{uuid:session_id}/photos/{uuid:photo_id}.jpg", summary="A picture as it is kept here")
async def show_photo(request: HttpRequest, session_id: uuid.UUID, photo_id: uuid.UUID) -> HttpResponse:
    jpeg = await photo_doors.picture(_writer(request), str(session_id), photo_id)
    return HttpResponse(jpeg, content_type="image/jpeg", headers=PICTURE_HEADERS)


@api.post("/sessions/{uuid:session_id}/photos/{uuid:photo_id}/keep", summary="Keep it beyond its session, or not")
async def keep_photo(request: HttpRequest, session_id: uuid.UUID, photo_id: uuid.UUID, *, kept: bool = True) -> Payload:
    return await photo_doors.keep(_writer(request), str(session_id), photo_id, kept=kept)


@api.delete("/sessions/{uuid:session_id}/photos/{uuid:photo_id}", summary="Delete a picture for good")
async def delete_photo(request: HttpRequest, session_id: uuid.UUID, photo_id: uuid.UUID) -> dict[str, Any]:
    await photo_doors.delete(_writer(request), str(session_id), photo_id)
    return {}


@api.exception_handler(Refusal)
def refused(request: HttpRequest, no: Refusal) -> HttpResponse:
    return api.create_response(request, wire.error(no.code, no.ref), status=STATUS.get(no.code, 400))


@api.exception_handler(NotHere)
def not_here(request: HttpRequest, _: NotHere) -> HttpResponse:
    return api.create_response(request, wire.error("not_found"), status=404)


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, _: ValidationError) -> HttpResponse:
    return api.create_response(request, wire.error("malformed"), status=422)


@api.exception_handler(Throttled)
def too_fast(request: HttpRequest, _: Throttled) -> HttpResponse:
    return refused(request, Refusal("too_fast"))


@api.exception_handler(HttpError)
def not_let_in(request: HttpRequest, fault: HttpError) -> HttpResponse:
    """What the framework refuses before a verb is reached: a body that is no JSON, too."""
    code = NOT_LET_IN.get(fault.status_code, "malformed")
    return api.create_response(request, wire.error(code), status=fault.status_code)


@api.exception_handler(Exception)
def broken(request: HttpRequest, fault: Exception) -> HttpResponse:
    """What nobody foresaw: said in the form of every other refusal."""
    logger.error("a request could not be answered\n%s", faults.told(fault))
    return api.create_response(request, wire.error("unavailable"), status=500)
