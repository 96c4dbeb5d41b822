"""llama.cpp's server: the embedded default, and any other of its kind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import PurePosixPath
from typing import Any

import aiohttp

from inference import loading, sse
from inference.engines import dialect
from inference.engines.base import EngineError, Health, Launch, Node, Plan, Traits
from inference.engines.following import watched
from inference.request import Request, rough_tokens
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse import shape

AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)
SLOTS_LIMIT = aiohttp.ClientTimeout(total=0.5)  # answered between two steps of the model, so late while it reads
LIST_LIMIT = aiohttp.ClientTimeout(total=10)  # likewise
LONGEST = 2048  # rough tokens of a prompt; it would read more, at 16 ms each, and ours have half at most
NAMES = {"repetition_penalty": "repeat_penalty"}  # ours and vLLM's: llama.cpp's


class LlamaCpp(dialect.FittedAtStart):
    """Streams from `/v1/chat/completions`; an assistant message at the end is continued there, not answered."""

    traits = Traits(constrains=True, adapts=True, measures=True)

    def __init__(self) -> None:
        self._listed: dict[str, list[str]] = {}  # the adapters of each address, in the order of their numbers

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`: the embedded engine."""
        argv = [str(plan.python), "-m", "inference.embedded", "--model", plan.model, "--port", str(plan.port)]
        argv += ["--threads", str(plan.threads)] if plan.threads else []
        argv += ["--slots", str(plan.capacity)]
        argv += ["--cold"] if plan.cold else []
        argv += [word for each in plan.adapters for word in ("--adapter", f"{each.name}={each.folder}")]
        return Launch(tuple(argv), {"ENGINE_KEY": plan.key} if plan.key else {}, ready_within=120)

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        if request.image:
            raise dialect.no("a picture")
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        if sum(rough_tokens(message["content"]) for message in rest.messages) > LONGEST:
            raise EngineError("too_long", "for this engine")
        body = body_of(request, rest, node.model) | {"lora": await self._scales(http, node, request.adapter)}
        pieces = sse.stream(http, f"{node.url}{dialect.CHAT}", body, key=node.key, limits=node.limits)
        held = watched(shape.follow(rest.shape, rest.skip), dialect.without(rest.skip, pieces), settle=True)
        async with aclosing(held) as said:
            async for piece in said:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: on two cores a token read costs 16 ms, and here nobody waits for it."""
        body = body_of(request, rest_of(request), node.model) | {"max_tokens": 0, "stream": False}
        del body["stream_options"]
        with suppress(EngineError):
            body["lora"] = await self._scales(http, node, request.adapter)
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
        self._listed.pop(node.url, None)  # what answers there next may have other adapters
        progress = await asyncio.to_thread(loading.progress, node.url)
        if status == 503 or (status == 0 and progress is not None):
            return Health("loading", progress)
        return Health("down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        return frozenset(await self._list(http, node))

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        lora = await self._scales(http, node, adapter)
        # What is taken from a computed beginning differs by the rounding: up to 0.06 nat were seen.
        return await dialect.first_tokens(http, node, messages, node.model, lora=lora, cache_prompt=False)

    async def _scales(self, http: aiohttp.ClientSession, node: Node, adapter: str) -> list[dict[str, float]]:
        """What a request says of adapters; the list is asked for again if it lacks the name."""
        if not adapter:
            return scales([], "")
        names = self._listed.get(node.url, [])
        if adapter not in names:
            names = await self._list(http, node)
        if adapter not in names:
            raise EngineError("not_served", f"{node.name} has no adapter {adapter[:63]}")
        return scales(names, adapter)

    async def _list(self, http: aiohttp.ClientSession, node: Node) -> list[str]:
        told = await dialect.call(http, node, "GET", "/lora-adapters", limit=LIST_LIMIT)
        try:
            ordered = sorted(told, key=lambda each: int(each["id"]))
            self._listed[node.url] = [PurePosixPath(each["path"]).stem for each in ordered]
        except (TypeError, KeyError, ValueError) as error:
            raise EngineError("engine_broken", "no list of adapters") from error
        return self._listed[node.url]


def scales(names: list[str], adapter: str) -> list[dict[str, float]]:
    """The adapter alone, or the base alone. A request that says nothing of adapters would be given what a slot has
    computed under another one, so something is said always, and the number of an adapter that is not there is no error.
    """
    return [{"id": number, "scale": float(name == adapter)} for number, name in enumerate(names or ["base"])]


def body_of(request: Request, rest: Rest, model: str = "") -> dict[str, Any]:
    """What llama.cpp is sent."""
    body = {NAMES.get(name, name): value for name, value in dialect.body_of(request, rest, model).items()}
    body["grammar"] = shape.lark(rest.shape)
    # It notices that nobody listens only when it writes, and while it reads a prompt it writes nothing unless asked.
    return body | {"return_progress": True, "cache_prompt": True}


async def _running(http: aiohttp.ClientSession, node: Node) -> int | None:
    """How many texts it is making, or None if it does not say so soon."""
    try:
        slots: list[dict[str, Any]] = await dialect.call(http, node, "GET", "/slots", limit=SLOTS_LIMIT)
        return sum(bool(slot["is_processing"]) for slot in slots)
    except (EngineError, TypeError, KeyError):
        return None
