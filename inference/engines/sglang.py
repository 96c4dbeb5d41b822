"""SGLang's server, as its source of the pinned version says. It has not been run here: it needs a GPU.

What its source does otherwise than its siblings: an adapter named as the model alone is answered by the base, without a
word; a last message of the assistant becomes the user's unless it is to be continued; the seed counts only with
`--enable-deterministic-inference`; `/health` makes a token and takes a second at least; an adapter that was unloaded is
loaded again as soon as a request names it; and a reader who goes away is noticed late or, as was reported, never.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp

from inference import sse
from inference.engines import dialect, local
from inference.engines.base import AdapterFiles, EngineError, Health, Launch, Node, Plan, Traits
from inference.request import Request
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.ebnf import ebnf

MODULE = "sglang.launch_server"
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")  # what training adapts
UNDONE = {"top_k": -1, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}  # else the model's own file sets them
HALF = "\ufffd"  # what it ends a text with that the limit cut within a character; no shape has it
AGAIN = 0.3  # seconds after which an abort is repeated that may have come before the request it is about
AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)


class SGLang:
    """Streams from `/v1/chat/completions` under an id of our own, and ends by that id what nobody reads any more."""

    traits = Traits(constrains=True, adapts=True, loads=True, measures=True, sees=True, listens=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`. At its usual log level it writes all its arguments down, the key among them."""
        words = ["--model-path", plan.model, "--host", plan.host, "--port", str(plan.port)]
        words += ["--served-model-name", plan.served] if plan.served else []
        words += ["--context-length", str(plan.context), "--tensor-parallel-size", str(plan.tensor_parallel)]
        words += ["--quantization", plan.quantisation] if plan.quantisation else []
        words += ["--grammar-backend", "xgrammar", "--log-level", "warning"]
        return local.launch(plan, MODULE, words + _adapting(plan), "--api-key")

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        name = uuid.uuid4().hex
        body = body_of(request, rest, node.model, name)
        pieces = sse.stream(http, f"{node.url}{dialect.CHAT}", body, key=node.key, limits=node.limits)
        aborting = dialect.aborting(
            dialect.without(rest.skip, pieces), lambda begun: _abort(http, node, name, begun=begun)
        )
        async with aclosing(aborting) as said:
            async for piece in said:
                yield piece._replace(text=piece.text.replace(HALF, "")) if HALF in piece.text else piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: keeps the prompt computed, and a form that has no tune compiled."""
        body = body_of(request, rest_of(request), node.model, uuid.uuid4().hex) | {"max_tokens": 1, "stream": False}
        del body["stream_options"]
        with suppress(EngineError):
            await dialect.call(http, node, "POST", dialect.CHAT, body, AHEAD_LIMIT)

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`."""
        try:
            async with http.get(f"{node.url}/ready", timeout=dialect.QUICK) as response:
                status = response.status
        except TimeoutError:
            return Health("down")
        except (aiohttp.ClientError, OSError):
            status = 0
        if status == 200:
            return Health("ready", 1.0, *await _load(http, node))
        if status == 503 or await asyncio.to_thread(local.starting, MODULE, "--port", node.url):
            return Health("loading")
        return Health("down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        return frozenset(str(each["id"]) for each in await dialect.models(http, node) if each.get("parent"))

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """See `Engine.load`."""
        if adapter.name not in await self.adapters(http, node):
            body = {"lora_name": adapter.name, "lora_path": str(adapter.folder)}
            await dialect.call(http, node, "POST", "/load_lora_adapter", body, dialect.PATIENT)

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """See `Engine.unload`. It waits for the texts being made with the adapter, and nothing is loaded meanwhile."""
        try:
            await dialect.call(http, node, "POST", "/unload_lora_adapter", {"lora_name": name}, dialect.PATIENT)
        except EngineError as error:
            if error.code != "engine_refused" or name in await self.adapters(http, node):
                raise

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        return await dialect.first_tokens(http, node, messages, node.model, **UNDONE, **_told(messages, adapter))


def body_of(request: Request, rest: Rest, model: str, name: str) -> dict[str, Any]:
    """What SGLang is sent. Never `n`: after more than one text to a request, unloading an adapter can hang it."""
    body = dialect.body_of(request, rest, model) | {"rid": name, "ebnf": ebnf(rest.shape), "top_k": -1}
    return body | _told(rest.messages, request.adapter)


def _told(messages: list[dict[str, str]], adapter: str) -> dict[str, Any]:
    """`lora_path` is the adapter's name; written into the model's name it would be lost if that has a colon itself."""
    goes_on = {"continue_final_message": True} if messages[-1]["role"] == "assistant" else {}
    return goes_on | ({"lora_path": adapter} if adapter else {})


def _adapting(plan: Plan) -> list[str]:
    """Ranks and modules are said, or the first adapter would set them for all; a slot more, for the base needs one."""
    slots = str(max(plan.most_adapters, len(plan.adapters)) + 1)
    words = ["--enable-lora", "--max-lora-rank", str(plan.rank), "--lora-target-modules", *TARGETS]
    words += ["--max-loras-per-batch", slots, "--max-loaded-loras", slots, "--lora-strict-loading"]
    paths = [f"{adapter.name}={adapter.folder}" for adapter in plan.adapters]
    return words + (["--lora-paths", *paths] if paths else [])


async def _load(http: aiohttp.ClientSession, node: Node) -> tuple[int | None, int | None]:
    """How many texts it is making and how many wait, over all its copies."""
    try:
        told = await dialect.call(http, node, "GET", "/v1/loads?include=core")
        loads = told["loads"]
        return sum(each["num_running_reqs"] for each in loads), sum(each["num_waiting_reqs"] for each in loads)
    except (EngineError, TypeError, KeyError):
        return None, None


async def _abort(http: aiohttp.ClientSession, node: Node, name: str, *, begun: bool) -> None:
    """End a request. One that it does not know yet is passed over in silence, so what has not begun is ended twice."""
    for wait in (0.0, AGAIN)[: 2 - begun]:
        await asyncio.sleep(wait)
        with suppress(EngineError):
            await dialect.call(http, node, "POST", "/abort_request", {"rid": name})
