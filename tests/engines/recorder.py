"""A server that says yes to everything and keeps what it was asked: for looking at what an engine of ours sends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from inference.engines import engine
from inference.engines.base import AdapterFiles, Node
from inference.request import Request

LIKELIEST = {"token": "湖", "logprob": -0.5, "top_logprobs": [{"token": "湖", "logprob": -0.5}]}
LISTED = [{"id": "base"}, {"id": "first", "parent": "base"}]


@dataclass
class Recorder:
    """`asked` holds (method and path, body) in order. `endless` streams end only with the connection; with `silent`
    nothing comes in them either.
    """

    node: Node
    http: aiohttp.ClientSession
    asked: list[tuple[str, Any]] = field(default_factory=list)
    endless: bool = False
    silent: bool = False

    async def streamed(self, request: Request, within: float = 10.0) -> dict[str, Any]:
        """The body that a text is asked for with. An endless one is left after its first piece."""
        async with (
            asyncio.timeout(within),
            contextlib.aclosing(engine(self.node.kind).stream(self.http, self.node, request)) as pieces,
        ):
            async for _piece in pieces:
                if self.endless:
                    break
        bodies = [body for route, body in self.asked if route == "POST /v1/chat/completions"]
        return dict(bodies[-1])

    async def worked(self, adapter: AdapterFiles) -> list[tuple[str, Any]]:
        """Everything that the other verbs of an engine send."""
        self.asked.clear()
        own, chat = engine(self.node.kind), [{"role": "user", "content": "湖"}]
        await own.health(self.http, self.node)
        await own.adapters(self.http, self.node)
        await own.measure(self.http, self.node, chat)
        await own.measure(self.http, self.node, [*chat, {"role": "assistant", "content": "湖上"}], "first")
        if own.traits.loads:
            await own.load(self.http, self.node, adapter)
            await own.unload(self.http, self.node, adapter.name)
        return list(self.asked)


@contextlib.asynccontextmanager
async def recording(kind: str, port: int) -> AsyncIterator[Recorder]:
    """A recorder that listens, as a node of that kind."""
    app = web.Application(client_max_size=1 << 22)  # a haiku's lines as one regular expression are a megabyte
    async with aiohttp.ClientSession() as http:
        recorder = Recorder(Node("recorder", kind, f"http://127.0.0.1:{port}", model="base"), http)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _answer(recorder, request)

        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield recorder
        await runner.cleanup()


async def _answer(recorder: Recorder, request: web.Request) -> web.StreamResponse:
    told = await request.read()
    body = orjson.loads(told) if told else None
    recorder.asked.append((f"{request.method} {request.path}", body))
    if body and body.get("stream"):
        return await _stream(recorder, request)
    choice = {"logprobs": {"content": [LIKELIEST]}}
    loads = [{"num_running_reqs": 0, "num_waiting_reqs": 0}]
    return web.json_response({"choices": [choice], "data": LISTED, "loads": loads, "status": "healthy"})


async def _stream(recorder: Recorder, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    if recorder.silent:
        await asyncio.Event().wait()
    await response.write(b'data: {"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": null}]}\n\n')
    if recorder.endless:
        await asyncio.Event().wait()
    await response.write(b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
    return response
