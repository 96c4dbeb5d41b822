"""`transformers serve`: PyTorch without a further engine; version 5.23, run for real on a CPU.

It asks nobody for a key and loads whatever a request names, so it belongs on loopback. It holds no shape, tells no
log-probabilities and how many texts it makes. A poem is therefore held back until it is whole; one that has not its
form is drawn again from another seed, and the last of three is given with the word that it does not conform.

It draws each text as that text's request says only while it makes one after the other. With `--continuous-batching` it
makes several at once and draws all of them as it was asked to draw the very first, and a request for another model
ends the texts of the one before: so it batches only where a node has capacity for it and no adapters.

An adapter is a model of its own to it, base included. On a CPU the copies share the pages of one file; on a GPU each
takes its room. It has no word for continuing a message: a beginning is sent as plain text in the marks that Qwen's
models know (ChatML), and without the picture. Through a chat template of ours it would say the beginning again, and
trim the space around it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from inference import sse
from inference.engines import dialect, hub_cache, local
from inference.engines.base import EngineError, Health, Launch, Node, Plan, Traits
from inference.engines.following import Follower, bare
from inference.request import Request, rough_tokens
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.forms import FORMS
from inference.verse.shape import follow

MODULE = "transformers.cli.transformers"
TRIES = 3
APART = 104_729  # between the seeds of two tries
LIMITS = sse.Limits(first=300, between=30, whole=600)  # one text after the other: the last of eight waits for seven
LONGEST = 4096  # rough tokens of a prompt; it would read more, for minutes
GREETING = aiohttp.ClientTimeout(total=1)
HERE = {"127.0.0.1", "localhost", "::1"}
PLAIN = "/v1/completions"


class Transformers(dialect.FittedAtStart):
    """Streams; closing the connection ends the text at its next token, or once its prompt is read."""

    traits = Traits(adapts=True, sees=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`; `plan.model` is a folder, whose config tells the dtype. Lays its hub's cache."""
        if plan.host not in HERE:
            raise EngineError("engine_refused", "it asks nobody for a key, so it listens on loopback only")
        hub = hub_cache.lay(hub_cache.place(plan.port), Path(plan.model), plan.served, plan.adapters)
        argv = [str(plan.python), "-m", MODULE, "serve", "--host", plan.host, "--port", str(plan.port)]
        argv += ["--dtype", "auto", "--model-timeout", "-1"]
        argv += ["--quantization", plan.quantisation] if plan.quantisation else []
        argv += ["--continuous-batching"] if plan.capacity > 1 and not plan.adapters else []
        environment = {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environment |= {"TOKENIZERS_PARALLELISM": "false"}
        environment |= {"OMP_NUM_THREADS": str(plan.threads)} if plan.threads else {}
        return Launch(tuple(argv), environment, ready_within=300)

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        rest = rest_of(request, held=False)
        if rest.nothing:
            yield Piece("", 0, "stop", conforms=True)
            return
        if sum(rough_tokens(message["content"]) for message in rest.messages) > LONGEST:
            raise EngineError("too_long", "for this engine")
        # Asked for a model that it has not got it would look for one wherever it may, and fail at that.
        if (name := _model(node, request)) not in await _listed(http, node):
            raise EngineError("not_served", name[:80])
        form = request.sampling["constraint"]["form"]
        way = _held if form in FORMS or form == "seen" else _as_it_comes
        async with aclosing(way(http, node, request, rest)) as said:
            async for piece in said:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`; it keeps nothing that it has read."""

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`: ready once every model that it lists is loaded, which asking brings about."""
        try:
            async with http.get(f"{node.url}/health", timeout=dialect.QUICK) as response:
                if response.status != 200:
                    return Health("down")
            names = sorted(await _listed(http, node))
            for place, name in enumerate(names):
                # One after the other: two loads at once leave one of the two models without its weights.
                if not await _is_loaded(http, node, name):
                    return Health("loading", place / len(names))
            return Health("ready", 1.0)
        except (EngineError, aiohttp.ClientError, TimeoutError, OSError):
            starting = await asyncio.to_thread(local.starting, MODULE, "--port", node.url)
            return Health("loading" if starting else "down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        front = hub_cache.ADAPTER
        return frozenset(name[len(front) :] for name in await _listed(http, node) if name.startswith(front))

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        raise dialect.no("telling log-probabilities")


def _model(node: Node, request: Request) -> str:
    return f"{hub_cache.ADAPTER}{request.adapter}" if request.adapter else node.model or hub_cache.BASE


async def _listed(http: aiohttp.ClientSession, node: Node) -> list[str]:
    return [str(model["id"]) for model in await dialect.models(http, node)]


def body_of(request: Request, rest: Rest, model: str, attempt: int = 0) -> dict[str, Any]:
    """What it is sent. It refuses a field that it does not know, and reads most of how to draw from one of its own."""
    sampling = request.sampling
    drawn = {"do_sample": sampling["temperature"] > 0, "max_new_tokens": rest.tokens}
    if drawn["do_sample"]:
        names = ("temperature", "top_p", "min_p", "repetition_penalty")
        drawn |= {name: sampling[name] for name in names if name in sampling} | {"top_k": 0}
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": rest.tokens,
        "seed": (sampling["seed"] + APART * attempt) % 2**31,
        "stream": True,
        "generation_config": orjson.dumps(drawn).decode(),
    }
    if _goes_on(rest):
        return body | {"prompt": prompt_of(rest.messages)}
    return body | {"messages": dialect.with_image(rest.messages, request.image)}


def _goes_on(rest: Rest) -> bool:
    return rest.messages[-1]["role"] == "assistant"


def prompt_of(messages: list[dict[str, str]]) -> str:
    """The chat as its model reads it, up to where the last message stops. No word of a writer's holds such marks."""
    turns = [f"<|im_start|>{message['role']}\n{message['content']}" for message in messages]
    return "<|im_end|>\n".join(turns)


async def _pieces(
    http: aiohttp.ClientSession, node: Node, request: Request, rest: Rest, attempt: int = 0
) -> AsyncGenerator[Piece, None]:
    body = body_of(request, rest, _model(node, request), attempt)
    path = PLAIN if _goes_on(rest) else dialect.CHAT
    pieces = sse.stream(http, f"{node.url}{path}", body, key=node.key, limits=LIMITS)
    async with aclosing(dialect.without(rest.skip, pieces)) as said:
        async for piece in said:
            yield piece


async def _as_it_comes(
    http: aiohttp.ClientSession, node: Node, request: Request, rest: Rest
) -> AsyncGenerator[Piece, None]:
    """Prose. It ends where its shape does, though the model would go on; white space waits for what comes after it."""
    follower, space, finish = Follower(follow(rest.shape, rest.skip)), "", "stop"
    async with aclosing(_pieces(http, node, request, rest)) as pieces:
        async for piece in pieces:
            text = space + piece.text
            space = text[len(text.rstrip()) :]
            said = follower.take(text.rstrip())
            finish = piece.finish or finish
            if said:
                yield Piece(said, piece.tokens)
            if follower.done:
                break
    yield Piece("", 0, finish, conforms=follower.whole)


async def _held(http: aiohttp.ClientSession, node: Node, request: Request, rest: Rest) -> AsyncGenerator[Piece, None]:
    """A poem, in one piece; the first try that has its form, else the last one."""
    for attempt in range(TRIES):
        last = attempt == TRIES - 1
        async with aclosing(_pieces(http, node, request, rest, attempt)) as pieces:
            text, tokens, finish, conforms = await _poem(pieces, request, rest, patient=last)
        if conforms or last:
            yield Piece(text, tokens)
            yield Piece("", 0, finish, conforms=conforms)
            return


async def _poem(
    pieces: AsyncGenerator[Piece, None], request: Request, rest: Rest, *, patient: bool
) -> tuple[str, int, str, bool]:
    """A whole text, its tokens, how it ended, and whether it conforms; given up, unless we are patient, when two lines
    show that it will not.
    """
    said, text, tokens = "", "", 0
    async for piece in pieces:
        said, tokens = said + piece.text, tokens + piece.tokens
        text = said if request.written else bare(said)
        follower = Follower(follow(rest.shape, rest.skip))
        text = follower.take(text)
        if follower.done or piece.finish:
            return text, tokens, piece.finish or "stop", follower.whole
        if follower.lost and text.count("\n") >= 2 and not patient:
            break
    return text, tokens, "stop", False


async def _is_loaded(http: aiohttp.ClientSession, node: Node, name: str) -> bool:
    """Whether a model is in memory; if not, it is on its way there from now on."""
    with suppress(TimeoutError):  # it waits for what it has to tell next
        async with http.post(f"{node.url}/load_model", json={"model": name}, timeout=GREETING) as response:
            return b'"ready"' in await response.content.readline()
    return False
