"""LMDeploy's server with its PyTorch engine (TurboMind has no adapters), as its source of the pinned version says. It
has not been run here: it needs a GPU.

What its source does otherwise than its siblings: adapters are named when it starts and never after; it continues a last
message of the assistant without being asked; it knows no presence penalty; its count of running texts is up to ten
seconds old, so none is told; and its log-probabilities leave out the token that was drawn, and name the others by the
letters of its vocabulary, not by their text.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import aiohttp

from inference import sse
from inference.engines import dialect, local
from inference.engines.base import AdapterFiles, EngineError, Health, Launch, Node, Plan, Traits
from inference.engines.following import watched
from inference.request import Request
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.shape import Either, Row, Shape, follow, regex, text

MODULE = "lmdeploy"
OUR_SESSIONS = 1 << 40  # its own are counted from nought, and ours must not look like one of them
UNDONE = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}  # else the model's own file sets them
# All that a configuration may say. The peft it pins (0.14) takes rank 8 and no modules, with a warning only, from a
# file with one word that it does not know; of the words that peft knows, LMDeploy heeds three.
HEEDED = frozenset({"r", "lora_alpha", "target_modules"})
HARMLESS = frozenset({"peft_type", "task_type", "base_model_name_or_path", "inference_mode", "lora_dropout", "bias"})
BREAK = text("\n").parts[0]
AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)


class LMDeploy(dialect.FittedAtStart):
    """Streams from `/v1/chat/completions` in a session of our own number, and aborts it when nobody reads any more."""

    traits = Traits(constrains=True, adapts=True, measures=True, sees=True, listens=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`."""
        words = ["serve", "api_server", plan.model, "--backend", "pytorch"]
        words += ["--server-name", plan.host, "--server-port", str(plan.port)]
        words += ["--model-name", plan.served] if plan.served else []
        words += ["--session-len", str(plan.context), "--tp", str(plan.tensor_parallel), "--enable-prefix-caching"]
        words += ["--model-format", plan.quantisation] if plan.quantisation else []
        words += ["--logprobs-mode", "raw_logprobs", "--enable-abort-handling"]
        words += ["--adapters", *map(_named, plan.adapters)] if plan.adapters else []
        return local.launch(plan, MODULE, words, "--api-keys")

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        session = OUR_SESSIONS + secrets.randbelow(1 << 52)
        body = body_of(request, rest, await _base(http, node), session)
        pieces = sse.stream(http, f"{node.url}{dialect.CHAT}", body, key=node.key, limits=node.limits)
        aborting = dialect.aborting(dialect.without(rest.skip, pieces), lambda _: _abort(http, node, session))
        async with aclosing(watched(follow(rest.shape, rest.skip), aborting)) as said:
            async for piece in said:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: keeps the prompt computed, and a form that has no tune compiled."""
        with suppress(EngineError):
            body = body_of(request, rest_of(request), await _base(http, node), -1) | {"max_tokens": 1, "stream": False}
            del body["stream_options"]
            await dialect.call(http, node, "POST", dialect.CHAT, body, AHEAD_LIMIT)

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`. Asleep it answers that it is well, and takes nothing."""
        try:
            async with http.get(f"{node.url}/health", timeout=dialect.QUICK) as response:
                told = await response.json(content_type=None)
        except (TimeoutError, ValueError):
            return Health("down")
        except (aiohttp.ClientError, OSError):
            begun = await asyncio.to_thread(local.starting, MODULE, "--server-port", node.url)
            return Health("loading" if begun else "down")
        state = told.get("status") if isinstance(told, dict) else ""
        if state == "healthy":
            return Health("ready", 1.0)
        return Health("loading" if state == "initializing" else "down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`: the base is listed first."""
        return frozenset(str(each["id"]) for each in (await dialect.models(http, node))[1:])

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        body: dict[str, Any] = {"model": adapter or await _base(http, node), "messages": messages, "max_tokens": 1}
        body |= {"temperature": 0, "logprobs": True, "top_logprobs": dialect.LIKELIEST} | UNDONE
        told = await dialect.call(http, node, "POST", dialect.CHAT, body, dialect.PATIENT)
        try:
            drawn = told["choices"][0]["logprobs"]["content"][0]
            found = [(each["token"], float(each["logprob"])) for each in (drawn, *drawn["top_logprobs"])]
        except (TypeError, KeyError, IndexError) as error:
            raise EngineError("engine_broken", "no log-probabilities") from error
        # Where two tokens have one text, the likelier stands.
        return dict(sorted(((spelled(token), chance) for token, chance in found), key=lambda pair: pair[1]))


def _named(adapter: AdapterFiles) -> str:
    """An adapter as its command line has it; raises for one whose configuration it would misunderstand."""
    said = json.loads((adapter.folder / "adapter_config.json").read_text(encoding="utf-8"))
    if strange := sorted(said.keys() - HEEDED - HARMLESS):
        raise EngineError("engine_refused", f"adapter {adapter.name} says {strange[0]}, which LMDeploy does not heed")
    return f"{adapter.name}={adapter.folder}"


def body_of(request: Request, rest: Rest, base: str, session: int) -> dict[str, Any]:
    """What LMDeploy is sent; without what it would pass over in silence."""
    body = dialect.body_of(request, rest, request.adapter or base)
    body.pop("presence_penalty", None)
    constraint = {"type": "regex_schema", "regex_schema": by_line(rest.shape)}
    return body | {"response_format": constraint, "session_id": session, "top_k": 0}


def by_line(shape: Shape) -> str:
    """The shape as a regular expression in which every line is a group, said once.

    LMDeploy takes no grammar. Of a group said so many times xgrammar makes a rule of its own, and beyond some length a
    rule costs it far more: a regulated verse of eight lines took it 7 to 16 s as one rule, and 0.5 s as eight.
    """
    said, line = "", list[Shape]()
    for part in shape.parts if isinstance(shape, Row) else (shape,):
        if isinstance(part, Either) and any(isinstance(way, Row) and BREAK in way.parts for way in part.parts):
            said += _group(line) + f"(?:{'|'.join(map(by_line, part.parts))})"
            line = []
        else:
            line.append(part)
            if part == BREAK:
                said, line = said + _group(line), []
    return said + _group(line)


def _group(line: list[Shape]) -> str:
    return f"(?:{regex(Row(tuple(line)))}){{1}}" if line else ""


def spelled(token: str) -> str:
    """The text of a token that is written in the letters of a vocabulary of bytes, or with a bar for a space."""
    if "▁" in token or not all(letter in BYTES for letter in token):
        return token.replace("▁", " ")
    return bytes(BYTES[letter] for letter in token).decode(errors="replace")


def _bytes() -> dict[str, int]:
    """The byte that each letter of such a vocabulary stands for: itself if it prints, else the next one free."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTES = _bytes()


async def _base(http: aiohttp.ClientSession, node: Node) -> str:
    """What the base is called there: it wants a name in every request, and lists the base first."""
    if node.model:
        return node.model
    listed = await dialect.models(http, node)
    if not listed:
        raise EngineError("engine_broken", "no model is listed")
    return str(listed[0]["id"])


async def _abort(http: aiohttp.ClientSession, node: Node, session: int) -> None:
    """End a session. Closing the connection has ended it already, unless something between us kept that to itself."""
    with suppress(EngineError):
        await dialect.call(http, node, "POST", "/abort_request", {"session_id": session})
