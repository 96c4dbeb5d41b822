"""llama.cpp's server: the embedded default, and any other of its kind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp

from inference import loading, sse
from inference.engines import dialect
from inference.engines.base import AdapterFiles, EngineError, Health, Launch, Node, Plan, Traits
from inference.request import Request
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.shape import lark

AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)
SLOTS_LIMIT = aiohttp.ClientTimeout(total=0.5)  # answered between two steps of the model, so late while it reads
NAMES = {"repetition_penalty": "repeat_penalty"}  # ours and vLLM's: llama.cpp's


class LlamaCpp:
    """Streams from `/v1/chat/completions`; an assistant message at the end is continued there, not answered."""

    traits = Traits(constrains=True, measures=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`: the embedded engine."""
        argv = [str(plan.python), "-m", "inference.embedded", "--model", plan.model, "--port", str(plan.port)]
        argv += ["--threads", str(plan.threads)] if plan.threads else []
        argv += ["--slots", str(plan.capacity)]
        return Launch(tuple(argv), {"ENGINE_KEY": plan.key} if plan.key else {}, ready_within=120)

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        if request.adapter:
            raise dialect.no("an adapter")
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        pieces = sse.stream(http, f"{node.url}{dialect.CHAT}", body_of(request, rest, node.model), key=node.key)
        async with aclosing(dialect.without(rest.skip, pieces)) as said:
            async for piece in said:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: on two cores a token read costs 16 ms, and here nobody waits for it."""
        body = body_of(request, rest_of(request), node.model) | {"max_tokens": 0, "stream": False}
        del body["stream_options"]
        with suppress(EngineError):
            await dialect.call(http, node, "POST", dialect.CHAT, body, AHEAD_LIMIT)

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`."""
        try:
            async with http.get(f"{node.url}/health", timeout=dialect.QUICK) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        if status == 200:
            return Health("ready", 1.0, await _running(http, node))
        progress = await asyncio.to_thread(loading.progress, node.url)
        if status == 503 or (status == 0 and progress is not None):
            return Health("loading", progress)
        return Health("down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        return frozenset()

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """See `Engine.load`."""
        raise dialect.no("loading an adapter while it runs")

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """See `Engine.unload`."""
        raise dialect.no("unloading an adapter while it runs")

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        return await dialect.first_tokens(http, node, messages, node.model)


def body_of(request: Request, rest: Rest, model: str = "") -> dict[str, Any]:
    """What llama.cpp is sent."""
    body = {NAMES.get(name, name): value for name, value in dialect.body_of(request, rest, model).items()}
    body["grammar"] = lark(rest.shape)
    # It notices that nobody listens only when it writes, and while it reads a prompt it writes nothing unless asked.
    return body | {"return_progress": True, "cache_prompt": True}


async def _running(http: aiohttp.ClientSession, node: Node) -> int | None:
    """How many texts it is making, or None if it does not say so soon."""
    try:
        slots: list[dict[str, Any]] = await dialect.call(http, node, "GET", "/slots", limit=SLOTS_LIMIT)
        return sum(bool(slot["is_processing"]) for slot in slots)
    except (EngineError, TypeError, KeyError):
        return None
