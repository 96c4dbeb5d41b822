"""Stands in for LMDeploy's server where there is no GPU, and behaves as its source says.

A closed connection ends the work, an abort by the session's number too, if it was started so. Adapters are those of its
command line, and are asked for as the model; the first model listed is the base. Of log-probabilities the drawn token
stands apart, and all are spelled in the letters of a vocabulary of bytes.
"""

import argparse
import contextlib
import itertools
from pathlib import Path
from typing import Any

from aiohttp import web

from inference.engines.lmdeploy import BYTES
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

LETTERS = {byte: letter for letter, byte in BYTES.items()}


class Server:
    """One node."""

    def __init__(self, said: argparse.Namespace) -> None:
        self.said, self.desk, self.numbers = said, Desk(), itertools.count()
        self.model = said.model_name or said.model_path
        self.fields = fields_of("lmdeploy")
        self.adapters = {name: Path(folder) for name, folder in (pair.split("=", 1) for pair in said.adapters or ())}
        for folder in self.adapters.values():
            rank_of(folder)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self.guard], client_max_size=1 << 24)
        app.router.add_get("/health", self.health)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/abort_request", self.abort)
        app.router.add_get("/health/standin", self.running)
        return app

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The key, and its ways to say no."""
        given = request.headers.get("Authorization", "")
        if self.said.api_keys and not request.path.startswith("/health") and given[7:] not in self.said.api_keys:
            return refused(401, "Unauthorized.")
        try:
            return await handler(request)
        except Refusal as no:
            return refused(no.status, no.words)

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "healthy", "message": "Engine is healthy."})

    async def running(self, _request: web.Request) -> web.Response:
        """No route of theirs: what a test looks inside with."""
        return web.json_response(len(self.desk.making))

    async def models(self, _request: web.Request) -> web.Response:
        cards = [{"id": name, "object": "model", "root": name, "parent": None} for name in (self.model, *self.adapters)]
        return web.json_response({"object": "list", "data": cards})

    async def abort(self, request: web.Request) -> web.Response:
        if not self.said.enable_abort_handling:
            return web.Response(status=501, text="This server does not support abort requests.")
        asked = judged(await body_of(request), self.fields["abort"])
        if not self.desk.abort(str(asked["session_id"])):
            raise Refusal(400, f"Session {asked['session_id']} not found.")
        return web.Response()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = judged(await body_of(request), self.fields["chat"])
        model = asked["model"]
        if model not in (self.model, *self.adapters):
            raise Refusal(404, f"The model {model!r} does not exist.")
        length, most = length_of(asked["messages"]), self.said.session_len
        if length >= most:
            raise Refusal(400, f"Input length ({length}) must be smaller than the model context length ({most}).")
        if not asked.get("stream"):
            return self.measure(asked)
        number = asked.get("session_id", -1)
        name = str(next(self.numbers) if number == -1 else number)
        pattern = asked["response_format"]["regex_schema"]
        making = made_of(asked, pattern, asked.get("seed"), self.desk.rate, "" if model == self.model else model)
        self.desk.begin(name, making)
        try:
            return await self.tell(request, model, making)
        finally:
            self.desk.abort(name)

    async def tell(self, request: web.Request, model: str, making: Making) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for text, finish in making:
            delta = {"role": "assistant", "content": text}
            await event(response, chunk(model, delta, finish or None) | {"usage": None})
        await event(response, usage(model, making))
        await response.write(b"data: [DONE]\n\n")
        return response

    def measure(self, asked: dict[str, Any]) -> web.Response:
        if asked.get("logprobs") and not self.said.logprobs_mode:
            raise Refusal(400, "Logprobs(True) requested but not enabled logprobs_mode in engine configuration")
        found = measured(self.adapters.get(asked["model"]), asked["messages"])
        told = [{"token": letters(token), "bytes": [], "logprob": value} for token, value in found.items()]
        content = [told[0] | {"top_logprobs": told[1 : asked.get("top_logprobs") or 1]}]
        choice = {"index": 0, "finish_reason": "length", "logprobs": {"content": content}}
        return web.json_response({"object": "chat.completion", "choices": [choice]})


def refused(status: int, words: str) -> web.Response:
    told = {"object": "error", "message": words, "type": "invalid_request_error", "code": status, "param": None}
    return web.json_response(told, status=status)


def letters(text: str) -> str:
    return "".join(LETTERS[byte] for byte in text.encode())


def main() -> None:
    """Takes the command line of the real one, and of it what is of use here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs=3, metavar=("serve", "api_server", "model"))
    parser.add_argument("--server-name")
    parser.add_argument("--server-port", type=int)
    parser.add_argument("--model-name")
    parser.add_argument("--session-len", type=int)
    parser.add_argument("--logprobs-mode")
    parser.add_argument("--enable-abort-handling", action="store_true")
    parser.add_argument("--adapters", nargs="*")
    parser.add_argument("--api-keys", nargs="*")
    said, _ = parser.parse_known_args()
    said.model_path = said.words[2]
    app = Server(said).application()
    with contextlib.suppress(KeyboardInterrupt):
        web.run_app(
            app, host=said.server_name, port=said.server_port, print=None, handler_cancellation=True, shutdown_timeout=0
        )
