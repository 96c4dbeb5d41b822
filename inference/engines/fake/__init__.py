"""A fake engine: it says so wherever it is asked, holds every form, and misbehaves on request, for tests and figures.

    python -m inference.engines.fake --port N [--rate 60] [--tokens 60] [--misbehave WAY] [--loading SECONDS]

It speaks the real protocol over real HTTP. A wish may hold one of these words: `#error` (an error inside a 200, after
three texts), `#die` (the connection breaks), `#cut` (the stream just ends), `#slow` (nothing for five seconds),
`#stall` (silence after three texts), `#split` (every byte its own packet), `#refuse` (400), `#toolong` (400),
`#busy` (503), `#full` (429), `#ill` (500), `#hang` (no text ever), `#garbage` (no JSON, after three texts), `#half`
(the connection breaks within a character).
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp

from inference import sse
from inference.engines import dialect
from inference.engines.base import AdapterFiles, Health, Launch, Node, Plan, Traits
from inference.request import Request
from inference.sse import Piece


class Fake:
    """Talks to a fake node; same shape as its siblings."""

    traits = Traits(constrains=True, adapts=True, loads=True, measures=True, sees=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`."""
        argv = (sys.executable, "-m", "inference.engines.fake", "--host", plan.host, "--port", str(plan.port))
        return Launch(argv, ready_within=20)

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        body: dict[str, Any] = request.sampling | {"messages": dialect.with_image(request.messages, request.image)}
        body |= {"written": request.written, "model": request.adapter or "fake"}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        pieces = sse.stream(http, f"{node.url}{dialect.CHAT}", body, key=node.key, limits=node.limits)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`; it reads nothing."""

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`."""
        try:
            async with http.get(f"{node.url}/health", timeout=dialect.QUICK) as response:
                told = await response.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Health("down")
        return Health(told["state"], told["progress"], told["running"], 0)

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        return frozenset(model["id"] for model in await dialect.models(http, node)) - {"fake"}

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """See `Engine.load`."""
        body = {"lora_name": adapter.name, "lora_path": str(adapter.folder)}
        await dialect.call(http, node, "POST", "/v1/load_lora_adapter", body)

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """See `Engine.unload`."""
        await dialect.call(http, node, "POST", "/v1/unload_lora_adapter", {"lora_name": name})

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        return await dialect.first_tokens(http, node, messages, adapter or "fake")
