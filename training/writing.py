"""The texts that a model writes at the gate: through a node, drawn and held as writers' texts are, or by itself.

Three ways, best first. A node of the house that loads adapters while it runs (vLLM and its like) is given them under
names of their own, which are dropped afterwards. Where nodes take adapters only at their start, a node is started here
with all of them, at our own low priority, and the serving nodes never hear of it. Without either the model writes in
this process, drawn alike but held to nothing, so of form nothing is said.

Each text is kept as it is made; whoever starts again goes on behind the last one.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
import torch

from inference.adapters import digest_of
from inference.children import Child, free_port
from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Node, Plan
from inference.request import Request, tongue
from inference.sse import storable
from training import batch
from training.gate import Written
from training.questions import Question

TRIES, PAUSE = 6, 5.0  # a busy node is asked again after so many seconds, and twice as many, …
LOOK = 0.5
FOR_GOOD = ("engine_refused", "not_served")  # it will not load it the next time either


class NotTaken(Exception):
    """A node that would not load an adapter, for reasons that do not pass by themselves."""


class Texts:
    """A model's texts in a file, one a line. A line that a kill cut off is written again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known = {told["id"]: told for told in _told(path)}

    def missing(self, asked: Sequence[Question]) -> list[Question]:
        return [each for each in asked if each.id not in self.known]

    def add(self, question: Question, text: str, *, held: bool) -> None:
        conforms = question.conforms(text) if held else None
        written = Written(question.prompt, text, tongue(question.ask), conforms)
        self.known[question.id] = {"id": question.id, **asdict(written)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in self.known.values())
        making = self.path.with_suffix(".making")
        making.write_text("".join(lines), encoding="utf-8")
        making.replace(self.path)

    def of(self, asked: Sequence[Question]) -> list[Written]:
        told = (self.known[each.id] for each in asked)
        return [Written(**{name: value for name, value in each.items() if name != "id"}) for each in told]


def _told(path: Path) -> Iterator[dict[str, Any]]:
    for line in batch.lines(path.read_text(encoding="utf-8")) if path.exists() else []:
        yield json.loads(line)


def named(adapter: Path, by: str = "") -> str:
    """What a node calls an adapter that is only tried: never the name of one in the registry. `by`: for which run; if
    its judge is killed, whoever fits the node knows by that whose it is.
    """
    return "-".join(["gate", digest_of(adapter)[:16], *([by] if by else [])])


@asynccontextmanager
async def own_node(gguf: Path, adapters: Sequence[Path], *, threads: int, log: Path) -> AsyncIterator[Node]:
    """The embedded engine as a child of ours, with all the adapters. Raises EngineError if it does not start."""
    files = tuple(AdapterFiles(named(each), each) for each in adapters)
    plan = Plan(Path(sys.executable), str(gguf), free_port(), threads=threads, adapters=files, cold=True)
    child = Child("llamacpp", plan, log)
    try:
        node = Node("gate", "llamacpp", child.url, capacity=plan.capacity)
        async with aiohttp.ClientSession() as http:
            await _ready(http, node, child)
        yield node
    finally:
        await child.stop(patience=5)
        _forget(files)


def _forget(adapters: Sequence[AdapterFiles]) -> None:
    """What the node converted for itself: nobody asks for those names again, and each is as large as the adapter."""
    cache = Path(os.environ.get("MODEL_CACHE", "").strip() or "~/.cache/bailu/models").expanduser() / "adapters"
    for each in adapters:
        for file in cache.glob(f"*/{each.name}.gguf"):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # the same adapter under another name
                file.parent.rmdir()


async def _ready(http: aiohttp.ClientSession, node: Node, child: Child) -> None:
    until = time.monotonic() + child.ready_within
    while (await engine(node.kind).health(http, node)).state != "ready":
        if child.fell or time.monotonic() > until:
            raise EngineError("engine_down", f"the gate's own node: {child.fell or 'late'}")
        await asyncio.sleep(LOOK)


@asynccontextmanager
async def loaded(node: Node, adapter: Path | None, by: str = "") -> AsyncIterator[str]:
    """The name that the node knows the adapter by, for as long as it is wanted. Raises NotTaken and EngineError."""
    if adapter is None or not engine(node.kind).traits.loads:
        yield named(adapter) if adapter else ""
        return
    files = AdapterFiles(named(adapter, by), adapter)
    async with aiohttp.ClientSession() as http:
        try:
            await engine(node.kind).load(http, node, files)
        except EngineError as fault:
            if fault.code in FOR_GOOD:
                raise NotTaken(f"{node.kind} cannot load {adapter}: {fault}") from fault
            raise
        try:
            yield files.name
        finally:
            with suppress(EngineError):
                await engine(node.kind).unload(http, node, files.name)


async def through(node: Node, adapter: Path | None, asked: Sequence[Question], texts: Texts, *, by: str = "") -> None:
    """All texts that are missing, as many at once as the node makes well. Raises NotTaken and EngineError."""
    held, places = engine(node.kind).traits.constrains, asyncio.Semaphore(node.capacity)
    fault: BaseException | None = None
    async with aiohttp.ClientSession() as http, loaded(node, adapter, by) as name:

        async def one(question: Question) -> None:
            async with places:
                request = Request(question.messages, question.sampling, "", name)
                texts.add(question, await _patiently(http, node, request), held=held)

        try:
            async with asyncio.TaskGroup() as tasks:
                for question in texts.missing(asked):
                    tasks.create_task(one(question))
        except* EngineError as faults:
            fault = faults.exceptions[0]
    if fault is not None:
        raise fault


async def _patiently(http: aiohttp.ClientSession, node: Node, request: Request) -> str:
    """A text, or the last fault of an engine that had its chances: a writer comes first there."""
    for again in range(TRIES):
        try:
            async with aclosing(engine(node.kind).stream(http, node, request)) as pieces:
                return "".join([piece.text async for piece in pieces])
        except EngineError:
            if again == TRIES - 1:
                raise
        await asyncio.sleep(PAUSE * 2**again)
    raise AssertionError("the last try returns or raises")


def by_itself(model: Any, tokenizer: Any, asked: Sequence[Question], texts: Texts) -> None:
    """All texts that are missing, by transformers."""
    for question in texts.missing(asked):
        read = tokenizer.apply_chat_template(
            question.messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(model.device)
        torch.manual_seed(question.sampling["seed"])
        with torch.inference_mode():
            made = model.generate(**read, **_drawn(question.sampling), pad_token_id=tokenizer.eos_token_id)
        text = tokenizer.decode(made[0, read["input_ids"].shape[1] :], skip_special_tokens=True)
        texts.add(question, storable(text.strip()), held=False)


def _drawn(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """In the words of transformers, which knows no presence penalty."""
    same = {name: sampling[name] for name in ("temperature", "top_p", "min_p", "repetition_penalty")}
    return same | {"do_sample": True, "max_new_tokens": sampling["max_tokens"]}
