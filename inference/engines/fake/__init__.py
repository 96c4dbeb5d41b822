"""A fake engine: it says so wherever it is asked, holds every form, and misbehaves on request, for tests and figures.

    python -m inference.engines.fake --port N [--rate 60] [--tokens 60] [--misbehave WAY] [--loading SECONDS]

It speaks the real protocol over real HTTP. A wish may hold one of these words: `#error` (an error inside a 200, after
three texts), `#die` (the connection breaks), `#cut` (the stream just ends), `#slow` (nothing for five seconds),
`#stall` (silence after three texts), `#split` (every byte its own packet), `#refuse` (400), `#toolong` (400),
`#busy` (503).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp

from inference import sse
from inference.engines.base import Health, Node
from inference.request import Request
from inference.sse import Piece

HEALTH_LIMIT = aiohttp.ClientTimeout(total=2)


class Fake:
    """Talks to a fake node; same shape as its siblings."""

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        body: dict[str, Any] = request.sampling | {"messages": request.messages, "written": request.written}
        body |= {"model": request.adapter or "fake", "stream": True, "stream_options": {"include_usage": True}}
        pieces = sse.stream(http, f"{node.url}/v1/chat/completions", body, key=node.key)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`; it reads nothing."""

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`."""
        try:
            async with http.get(f"{node.url}/health", timeout=HEALTH_LIMIT) as response:
                told = await response.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Health("down")
        return Health(told["state"], told["progress"], told["running"])
