"""The fake node: an OpenAI-compatible server that streams at a steady rate, and misbehaves where it is told to."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from inference.engines.fake import fitted
from inference.engines.fake.fitted import Wardrobe
from inference.engines.fake.poet import tokens_of, wish_of

WAYS = (
    "error", "die", "cut", "slow", "stall", "split", "refuse", "toolong", "busy",
    "hang", "garbage", "half", "full", "ill", "shape", "locked", "moved",
)  # fmt: skip
REFUSALS = {
    "full": (429, "too many requests"),
    "ill": (500, "internal error"),
    "locked": (401, "no such key"),
    "moved": (307, "somewhere else"),
    "refuse": (400, "bad request"),
    "toolong": (400, "the request exceeds the context size"),
    "busy": (503, "busy"),
}
STALL = 3600.0
WAITS = {"slow": 5.0, "hang": STALL}  # seconds before the first text
BREAKS = {"error", "die", "cut", "stall", "garbage", "half", "shape"}  # after the third text


@dataclass(slots=True)
class Manners:
    """How the node behaves: `rate` tokens a second (0: as fast as can be), `tokens` in a text without a form."""

    rate: float = 60.0
    tokens: int = 60
    misbehave: str = ""
    loading: float = 0.0
    started: float = field(default_factory=time.monotonic)
    running: int = 0
    served: int = 0
    wardrobe: Wardrobe = field(default_factory=Wardrobe)


def application(manners: Manners) -> web.Application:
    """The node as an aiohttp application; run it with `handler_cancellation=True`, or it works on for nobody."""
    app = web.Application(client_max_size=8 << 20)
    app.add_routes(
        [
            web.get("/health", _told(manners)),
            web.post("/v1/chat/completions", _completions(manners)),
            *fitted.routes(manners.wardrobe),
        ]
    )
    return app


def _told(manners: Manners) -> Callable[[web.Request], Any]:
    async def health(_request: web.Request) -> web.Response:
        share = _loaded(manners)
        state = "ready" if share >= 1 else "loading"
        told = {
            "engine": "fake",
            "state": state,
            "progress": share,
            "running": manners.running,
            "served": manners.served,
        }
        return web.json_response(told, status=200 if share >= 1 else 503)

    return health


def _loaded(manners: Manners) -> float:
    if not manners.loading:
        return 1.0
    return min(1.0, (time.monotonic() - manners.started) / manners.loading)


def _completions(manners: Manners) -> Callable[[web.Request], Any]:
    async def completions(request: web.Request) -> web.StreamResponse:
        asked = orjson.loads(await request.read())
        way = _way(manners, asked)
        if _loaded(manners) < 1:
            return _refusal("busy")
        if way in REFUSALS:
            return _refusal(way)
        if asked.get("model", "fake") not in manners.wardrobe.served:
            return web.json_response({"error": {"code": 404, "message": "the model does not exist"}}, status=404)
        if asked.get("logprobs") and not asked.get("stream"):
            return web.json_response(manners.wardrobe.measured(asked))
        manners.running += 1
        manners.served += 1
        try:
            return await _stream(request, manners, asked, way)
        finally:
            manners.running -= 1

    return completions


def _way(manners: Manners, asked: dict[str, Any]) -> str:
    wish = wish_of(asked)
    return next((way for way in WAYS if f"#{way}" in wish), manners.misbehave)


def _refusal(way: str) -> web.Response:
    status, words = REFUSALS[way]
    return web.json_response({"error": {"code": status, "message": words}}, status=status)


async def _stream(request: web.Request, manners: Manners, asked: dict[str, Any], way: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    await _send(response, _chunk({"role": "assistant", "content": None}))
    if way in WAITS:
        await asyncio.sleep(WAITS[way])
    most = asked.get("max_tokens") or 1 << 30
    said, started, finish = 0, time.monotonic(), "stop"
    for token in tokens_of(asked, wish_of(asked), manners.tokens):
        if said >= most:
            finish = "length"
            break
        if manners.rate:
            await asyncio.sleep(started + said / manners.rate - time.monotonic())
        await _send(response, _chunk({"content": token}), torn=way == "split")
        said += 1
        if said == 3 and way in BREAKS:
            return await _break_off(request, response, way)
    await _send(response, _chunk({}, finish))
    await _send(response, {"choices": [], "usage": {"completion_tokens": said, "prompt_tokens": 1}})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _break_off(request: web.Request, response: web.StreamResponse, way: str) -> web.StreamResponse:
    if way == "error":
        await _send(response, {"error": {"code": 500, "message": "asked to fail"}})
    if way == "garbage":
        await response.write(b"data: <html>502 Bad Gateway</html>\n\n")
    if way == "shape":
        await _send(response, {"choices": [None]})
    if way == "half":
        line = b"data: " + orjson.dumps(_chunk({"content": "湖"}))
        await response.write(line[: line.index("湖".encode()) + 2])
    if way == "stall":
        await asyncio.sleep(STALL)
    if way in {"die", "half"} and request.transport:
        request.transport.abort()
    return response


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "model": "fake", "choices": [choice]}


async def _send(response: web.StreamResponse, event: dict[str, Any], *, torn: bool = False) -> None:
    line = b"data: " + orjson.dumps(event) + b"\n\n"
    if not torn:
        await response.write(line)
        return
    for byte in range(len(line)):
        await response.write(line[byte : byte + 1])
        await asyncio.sleep(0)
