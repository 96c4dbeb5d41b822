"""Stands in for SGLang's server where there is no GPU, and behaves as its source says, faults included.

A text is made to its end though nobody reads it, unless `/abort_request` names it; an abort of what it does not know is
passed over. An adapter is found by `lora_path` or behind a colon in `model`; by its name as the model the base answers.
What was unloaded comes back when it is asked for. The seed counts for nothing. A text that its limit cuts within a
character ends in a mark for that.
"""

import argparse
import contextlib
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.engines.standins.babble import pattern_of
from tests.engines.standins.making import (
    Desk,
    Handler,
    Making,
    Refusal,
    body_of,
    chunk,
    event,
    fields_of,
    judged,
    length_of,
    made_of,
    usage,
)
from tests.engines.standins.paper import measured, rank_of

OPEN = ("/health", "/ready", "/metrics")
KNOWN = {"/abort_request": {"rid", "abort_all"}, "/load_lora_adapter": {"lora_name", "lora_path", "pinned"}}
KNOWN |= {"/unload_lora_adapter": {"lora_name"}}


class Server:
    """One node."""

    def __init__(self, said: argparse.Namespace) -> None:
        self.said, self.desk = said, Desk()
        self.model = said.served_model_name or said.model_path
        self.fields = fields_of("sglang")["chat"]
        self.loaded: OrderedDict[str, Path] = OrderedDict()
        self.remembered: dict[str, Path] = {}
        for pair in said.lora_paths or ():
            name, folder = pair.split("=", 1)
            self.put_on(name, Path(folder))

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self.guard], client_max_size=1 << 24)
        app.router.add_get("/ready", self.ready)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/loads", self.loads)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/abort_request", self.abort)
        app.router.add_post("/load_lora_adapter", self.load)
        app.router.add_post("/unload_lora_adapter", self.unload)
        return app

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The key, and its ways to say no."""
        given = request.headers.get("Authorization", "")
        if self.said.api_key and not request.path.startswith(OPEN) and given != f"Bearer {self.said.api_key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        try:
            return await handler(request)
        except Refusal as no:
            told = {"object": "error", "message": no.words, "type": "BadRequest", "param": None, "code": no.status}
            return web.json_response(told, status=no.status)

    async def ready(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def models(self, _request: web.Request) -> web.Response:
        cards = [{"id": self.model, "root": self.model, "parent": None}]
        cards += [{"id": name, "root": str(folder), "parent": self.model} for name, folder in self.loaded.items()]
        return web.json_response({"object": "list", "data": cards})

    async def loads(self, _request: web.Request) -> web.Response:
        load = {"dp_rank": 0, "num_running_reqs": len(self.desk.making), "num_waiting_reqs": 0}
        return web.json_response({"version": "stand-in", "loads": [load]})

    async def abort(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        assert asked.keys() <= KNOWN[request.path]
        if asked.get("rid"):
            self.desk.abort(asked["rid"])
        return web.Response()

    async def load(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        assert asked.keys() <= KNOWN[request.path]
        try:
            self.put_on(asked["lora_name"], Path(asked["lora_path"]))
        except (OSError, ValueError) as error:
            return self.updated(str(error))
        while len(self.loaded) > self.said.max_loaded_loras:
            await self.take_off(next(iter(self.loaded)))
        return self.updated("")

    async def unload(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        assert asked.keys() <= KNOWN[request.path]
        if asked["lora_name"] not in self.loaded:
            return self.updated(f"LoRA with name {asked['lora_name']} does not exist. Loaded LoRAs: {[*self.loaded]}")
        await self.take_off(asked["lora_name"])
        return self.updated("")

    def updated(self, error: str) -> web.Response:
        loaded = {name: str(folder) for name, folder in self.loaded.items()}
        told = {"success": not error, "error_message": error or None, "loaded_adapters": loaded}
        return web.json_response(told, status=400 if error else 200)

    def put_on(self, name: str, folder: Path) -> None:
        if name in self.loaded:
            raise ValueError(f"Failed to load LoRA adapter {name} because it is already loaded")
        if (rank := rank_of(folder)) > self.said.max_lora_rank:
            raise ValueError(f"LoRA adapter {name} with rank {rank} is incompatible with the current LoRA memory pool")
        self.loaded[name] = self.remembered[name] = folder

    async def take_off(self, name: str) -> None:
        """No new text gets it; then those that have it are waited for."""
        del self.loaded[name]
        await self.desk.ended(name)

    def adapter_of(self, asked: dict[str, Any]) -> str:
        model: str = asked.get("model", "default")
        behind = model.split(":", 1)[1] if ":" in model and model != self.model else ""
        name: str = behind or asked.get("lora_path") or ""
        if name and name not in self.loaded:
            if name not in self.remembered:
                raise Refusal(400, f"Got LoRA adapter that has never been loaded: {name}\nAll loaded adapters: ...")
            self.put_on(name, self.remembered[name])
        return name

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = judged(await body_of(request), self.fields)
        length, context = length_of(asked["messages"]), self.said.context_length
        if length >= context:
            raise Refusal(400, f"The input ({length} tokens) is longer than the model's context length ({context}).")
        adapter = self.adapter_of(asked)
        if not asked.get("stream"):
            return self.measure(asked, adapter)
        made = made_of(asked, pattern_of(asked["ebnf"]), None, self.desk.rate, adapter)
        making = self.desk.begin(asked["rid"], replace(made, half="\ufffd"))
        return await self.tell(request, asked.get("model", "default"), making)

    async def tell(self, request: web.Request, model: str, making: Making) -> web.StreamResponse:
        """Its headers come with the first token only."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        async for text, finish in making:
            if not response.prepared:
                await response.prepare(request)
                await event(response, chunk(model, {"role": "assistant", "content": ""}))
            await event(response, chunk(model, {"content": text} if text else {}, finish or None))
        await event(response, usage(model, making))
        await response.write(b"data: [DONE]\n\n")
        return response

    def measure(self, asked: dict[str, Any], adapter: str) -> web.Response:
        found = measured(self.loaded.get(adapter), asked["messages"])
        tops = [{"token": token, "bytes": [], "logprob": value} for token, value in found.items()]
        content = [tops[0] | {"top_logprobs": tops[: asked.get("top_logprobs") or 0]}]
        choice = {"index": 0, "message": {"role": "assistant", "content": tops[0]["token"]}, "finish_reason": "length"}
        return web.json_response(
            {"object": "chat.completion", "choices": [choice | {"logprobs": {"content": content}}]}
        )


def main() -> None:
    """Takes the command line of the real one, and of it what is of use here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-path")
    parser.add_argument("--served-model-name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--api-key")
    parser.add_argument("--context-length", type=int)
    parser.add_argument("--max-lora-rank", type=int)
    parser.add_argument("--max-loaded-loras", type=int)
    parser.add_argument("--lora-paths", nargs="*")
    said, _ = parser.parse_known_args()
    app = Server(said).application()
    with contextlib.suppress(KeyboardInterrupt):
        web.run_app(app, host=said.host, port=said.port, print=None, handler_cancellation=True, shutdown_timeout=0)
