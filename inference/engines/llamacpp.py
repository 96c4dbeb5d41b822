"""llama.cpp's server: the embedded default, and any other of its kind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp

from inference import loading, sse
from inference.engines.base import EngineError, Health, Node
from inference.request import Request
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.shape import lark

HEALTH_LIMIT = aiohttp.ClientTimeout(total=2)
AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)
SLOTS_LIMIT = aiohttp.ClientTimeout(total=0.5)  # answered between two steps of the model, so late while it reads
NAMES = {"repetition_penalty": "repeat_penalty"}  # ours and vLLM's: llama.cpp's


class LlamaCpp:
    """Streams from `/v1/chat/completions`; an assistant message at the end is continued there, not answered."""

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        if request.adapter:
            raise EngineError("engine_refused", "no adapters on this engine")
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        pieces = sse.stream(http, f"{node.url}/v1/chat/completions", body_of(request, rest, node.model), key=node.key)
        skip = rest.skip
        async with aclosing(pieces):
            async for piece in pieces:
                if skip and piece.text:
                    piece = Piece(piece.text.removeprefix(skip), piece.tokens, piece.finish)
                    skip = ""
                if piece.text or piece.finish:
                    yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: on two cores a token read costs 16 ms, and here nobody waits for it."""
        body = body_of(request, rest_of(request), node.model) | {"max_tokens": 0, "stream": False}
        del body["stream_options"]
        headers = {"Authorization": f"Bearer {node.key}"} if node.key else {}
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            url = f"{node.url}/v1/chat/completions"
            async with http.post(url, json=body, headers=headers, timeout=AHEAD_LIMIT) as response:
                await response.read()

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`."""
        try:
            async with http.get(f"{node.url}/health", timeout=HEALTH_LIMIT) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        if status == 200:
            return Health("ready", 1.0, await _running(http, node))
        progress = await asyncio.to_thread(loading.progress, node.url)
        if status == 503 or (status == 0 and progress is not None):
            return Health("loading", progress)
        return Health("down")


def body_of(request: Request, rest: Rest, model: str = "") -> dict[str, Any]:
    """What llama.cpp is sent."""
    body: dict[str, Any] = {NAMES.get(name, name): value for name, value in request.sampling.items()}
    del body["constraint"]
    body["max_tokens"] = rest.tokens
    body["messages"] = rest.messages
    body["grammar"] = lark(rest.shape)
    if model:
        body["model"] = model
    # It notices that nobody listens only when it writes, and while it reads a prompt it writes nothing unless asked.
    told = {"stream_options": {"include_usage": True}, "return_progress": True}
    return body | told | {"stream": True, "cache_prompt": True}


async def _running(http: aiohttp.ClientSession, node: Node) -> int | None:
    """How many texts it is making, or None if it does not say so soon."""
    headers = {"Authorization": f"Bearer {node.key}"} if node.key else {}
    try:
        async with http.get(f"{node.url}/slots", timeout=SLOTS_LIMIT, headers=headers) as response:
            return sum(slot["is_processing"] for slot in await response.json()) if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
