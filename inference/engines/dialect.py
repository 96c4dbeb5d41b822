"""What all OpenAI-compatible servers have in common; each engine adds its own words to it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import aiohttp
import orjson

from inference import sse
from inference.engines.base import AdapterFiles, EngineError, Node
from inference.request import Request
from inference.rest import Rest
from inference.sse import Piece

CHAT = "/v1/chat/completions"
QUICK = aiohttp.ClientTimeout(total=2)
PATIENT = aiohttp.ClientTimeout(total=120)  # loading an adapter reads a file and may wait for a batch to end
UNBEGUN = frozenset({"engine_down", "engine_loading", "engine_busy", "engine_refused", "not_served", "too_long"})
LIKELIEST = 20  # tokens that a measurement asks for; more is refused by some


def body_of(request: Request, rest: Rest, model: str) -> dict[str, Any]:
    """The part of a chat request that every server reads alike; without the constraint, which each says its own way."""
    body = {name: value for name, value in request.sampling.items() if name != "constraint"}
    body["messages"] = with_image(rest.messages, request.image)
    body["max_tokens"] = rest.tokens
    if model:
        body["model"] = model
    return body | {"stream": True, "stream_options": {"include_usage": True}}


def with_image(messages: list[dict[str, str]], image: str) -> list[dict[str, Any]]:
    """The messages, with a picture (a base64 data URL) before the words of the last thing the writer said."""
    if not image:
        return [dict(message) for message in messages]
    last = max(place for place, message in enumerate(messages) if message["role"] == "user")
    seen: list[dict[str, Any]] = [dict(message) for message in messages]
    words = {"type": "text", "text": messages[last]["content"]}
    seen[last]["content"] = [{"type": "image_url", "image_url": {"url": image}}, words]
    return seen


def headers(node: Node) -> dict[str, str]:
    return {"Authorization": f"Bearer {node.key}"} if node.key else {}


async def call(
    http: aiohttp.ClientSession,
    node: Node,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    limit: aiohttp.ClientTimeout = QUICK,
) -> Any:
    """One request with a JSON answer, or None where the answer is none. Raises EngineError for anything but a 2xx."""
    data = None if body is None else orjson.dumps(body)
    said = headers(node) | ({"Content-Type": "application/json"} if data else {})
    try:
        async with http.request(
            method, f"{node.url}{path}", data=data, headers=said, timeout=limit, allow_redirects=False
        ) as answer:
            told = await answer.read()
            if not 200 <= answer.status < 300:
                raise sse.refusal(answer.status, told[: sse.LONGEST_REFUSAL])
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise EngineError("engine_down", type(error).__name__) from error
    except TimeoutError as error:
        raise EngineError("engine_timeout", path) from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineError("engine_broken", type(error).__name__) from error
    try:
        return orjson.loads(told)
    except orjson.JSONDecodeError:
        return None


async def without(skip: str, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """The pieces, less what the answer says again: the end of the words before it. It may come in several."""
    async with aclosing(pieces):
        async for piece in pieces:
            if skip and (said := piece.text):
                more = skip.startswith(said)
                piece = piece._replace(text="" if more else said.removeprefix(skip))
                skip = skip.removeprefix(said) if more else ""
            if piece.text or piece.finish:
                yield piece


async def aborting(
    pieces: AsyncGenerator[Piece, None], abort: Callable[[bool], Awaitable[None]]
) -> AsyncGenerator[Piece, None]:
    """The pieces; whoever leaves before the last has the engine abort them, for servers that do not surely notice.

    `abort` is told whether any had come. It is let finish even if we are cancelled.
    """
    begun, ended = False, False
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                begun, ended = True, bool(piece.finish)
                yield piece
    except EngineError as error:
        ended = error.code in UNBEGUN
        raise
    finally:
        if not ended:
            await asyncio.shield(asyncio.ensure_future(abort(begun)))


async def models(http: aiohttp.ClientSession, node: Node) -> list[dict[str, Any]]:
    """What `/v1/models` lists: the base and, with most servers, the adapters."""
    told = await call(http, node, "GET", "/v1/models")
    if not isinstance(told, dict):
        raise EngineError("engine_broken", "no list of models")
    return list(told.get("data") or ())


async def first_tokens(
    http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], model: str, **more: Any
) -> dict[str, float]:
    """See `Engine.measure`, for servers that answer `logprobs` as OpenAI does."""
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": LIKELIEST}
    told = await call(http, node, "POST", CHAT, body | ({"model": model} if model else {}) | more, PATIENT)
    try:
        likeliest = told["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return {each["token"]: float(each["logprob"]) for each in likeliest}
    except (TypeError, KeyError, IndexError) as error:
        raise EngineError("engine_broken", "no log-probabilities") from error


def no(what: str) -> EngineError:
    """The answer of an engine that was asked for what it cannot do."""
    return EngineError("engine_refused", f"{what} is not for this engine")


class FittedAtStart:
    """The half of an engine that takes adapters at its start and never after."""

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """See `Engine.load`."""
        raise no("loading an adapter while it runs")

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """See `Engine.unload`."""
        raise no("unloading an adapter while it runs")
