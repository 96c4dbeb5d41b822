"""The embedded engine: its prompts, and adapters. None is given what another computed; each does as it ought."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Node, Plan
from inference.engines.llamacpp import body_of, scales
from inference.proof import prove
from inference.request import Request, warm_asks
from inference.rest import rest_of
from inference.sse import Limits
from inference.verse.forms import conforms
from tests.engines import adapters
from tests.inference.asking import asked, pieces_of, request_for
from tests.processes import ROOT, Process, free_port, wait_until
from tests.processes_inference import model_file, real_engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

NAMES = ("", "dawn", "dusk")
LAKES = [[{"role": "system", "content": f"{word}" * 60}, {"role": "user", "content": "写一句诗"}] for word in "湖山月"]


@pytest.fixture(scope="module")
def both() -> tuple[AdapterFiles, AdapterFiles]:
    return adapters.first(), adapters.second()


@pytest.fixture(scope="module")
def adapted(both: tuple[AdapterFiles, AdapterFiles]) -> Iterator[Node]:
    """With the second one named first: writers get that, so its prompts are computed."""
    flags = [word for each in reversed(both) for word in ("--adapter", f"{each.name}={each.folder}")]
    with real_engine("--cold", *flags) as node:
        yield node


async def first_token(http: aiohttp.ClientSession, node: Node, name: str, lake: int) -> dict[str, float]:
    """Its log-probabilities, with whatever the engine has computed before."""
    body = {"messages": LAKES[lake], "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
    listed = sorted(NAMES[1:])
    body |= {"cache_prompt": True, "lora": scales(listed if name else [], name)}
    async with http.post(f"{node.url}/v1/chat/completions", json=body) as answer:
        told = (await answer.json())["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {each["token"]: each["logprob"] for each in told}


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    both = one.keys() & other.keys()
    return sum(abs(one[token] - other[token]) for token in both) / len(both)


async def test_each_is_listed_by_its_name_and_proved(
    http: aiohttp.ClientSession, adapted: Node, both: tuple[AdapterFiles, AdapterFiles]
) -> None:
    assert await engine("llamacpp").adapters(http, adapted) == {"dawn", "dusk"}
    for adapter in both:
        proof = await prove(http, adapted, adapter)
        assert proof.took, proof


async def test_one_under_the_name_of_another_is_seen(
    http: aiohttp.ClientSession, adapted: Node, both: tuple[AdapterFiles, AdapterFiles]
) -> None:
    proof = await prove(http, adapted, replace(both[0], folder=both[1].folder))
    assert proof.why == "other_effect"


async def test_nothing_that_one_has_computed_is_given_to_another(http: aiohttp.ClientSession, adapted: Node) -> None:
    """Three prompts, three adapters, in a random order: each as on the first time, when nothing was computed."""
    dice = random.Random(7)
    fresh = {}
    for name in NAMES:
        for lake in range(len(LAKES)):
            messages = LAKES[lake]
            fresh[name, lake] = await engine("llamacpp").measure(http, adapted, messages, name)
    for _ in range(24):
        name, lake = dice.choice(NAMES), dice.randrange(len(LAKES))
        seen = await first_token(http, adapted, name, lake)
        nearest = min(NAMES, key=lambda other: apart(seen, fresh[other, lake]))
        assert nearest == name
        assert apart(seen, fresh[name, lake]) < 0.15  # rounding; another adapter lies beyond 0.3


async def test_without_an_adapter_the_base_is_what_it_is_alone(http: aiohttp.ClientSession, adapted: Node) -> None:
    with real_engine("--cold") as plain:
        alone = await engine("llamacpp").measure(http, plain, LAKES[0])
    assert apart(alone, await engine("llamacpp").measure(http, adapted, LAKES[0])) < 0.15  # rounding


async def test_texts_of_two_adapters_are_both_whole(http: aiohttp.ClientSession, adapted: Node) -> None:
    """llama.cpp reckons one adapter at a time: the second text begins when the first has ended."""
    request, patient = request_for(asked("wujue")), replace(adapted, limits=Limits(first=300.0, between=300.0))
    both = [pieces_of(http, patient, replace(request, adapter=name)) for name in NAMES[1:]]
    for pieces in await asyncio.gather(*both):
        assert conforms("wujue", "".join(piece.text for piece in pieces))


async def test_one_that_it_has_not_is_not_served(http: aiohttp.ClientSession, adapted: Node) -> None:
    with pytest.raises(EngineError) as caught:
        await pieces_of(http, adapted, replace(request_for(asked("wujue")), adapter="noon"))
    assert caught.value.code == "not_served"
    with pytest.raises(EngineError) as caught:
        await engine("llamacpp").measure(http, adapted, LAKES[0], "noon")
    assert caught.value.code == "not_served"


async def test_what_was_read_ahead_with_an_adapter_is_not_read_again(
    http: aiohttp.ClientSession, adapted: Node
) -> None:
    request = replace(request_for(asked("wujue", "从没有说过的愿望")), adapter="dawn")
    await engine("llamacpp").read_ahead(http, adapted, request)
    assert await unread(http, adapted, request) == 1  # the last is always read


@asynccontextmanager
async def all_computed(folder: Path, adapters: tuple[AdapterFiles, ...] = ()) -> AsyncIterator[Node]:
    """A node as a house starts it, once it has computed its prompts."""
    plan, log = Plan(Path(sys.executable), str(model_file()), free_port(), adapters=adapters), folder / "log"
    process = Process(list(engine("llamacpp").launch(plan).argv), env={}, log=log)
    try:
        computed = partial(wait_until, lambda: "prompts computed" in log.read_text(), within=500, what="the prompts")
        await asyncio.to_thread(computed)
        yield Node("one", "llamacpp", f"http://127.0.0.1:{plan.port}")
    finally:
        process.stop()


async def test_the_likeliest_prompts_are_computed_with_the_one_that_writes(
    http: aiohttp.ClientSession, both: tuple[AdapterFiles, AdapterFiles], tmp_path: Path
) -> None:
    async with all_computed(tmp_path, tuple(reversed(both))) as node:
        assert await unread(http, node, replace(request_for(warm_asks()[0]), adapter="dusk")) < 30


async def test_every_prompt_that_was_computed_is_there_whatever_is_asked_for_in_between(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    asks = warm_asks()
    async with all_computed(tmp_path) as node:
        for wish, order in {"灯": asks, "雨": asks[::-1], "井": asks[::3] + asks[1::3] + asks[2::3]}.items():
            wished = [request_for(replace(ask, wish=wish)) for ask in order]
            left = [await unread(http, node, request) for request in wished]
            assert max(left) < 15, dict(zip(order, left, strict=True))


async def unread(http: aiohttp.ClientSession, node: Node, request: Request) -> int:
    """How many tokens of a prompt were still to be read."""
    body = body_of(request, rest_of(request)) | {"max_tokens": 1, "stream": False}
    body["lora"] = scales(["dawn", "dusk"], request.adapter)
    del body["stream_options"]
    async with http.post(f"{node.url}/v1/chat/completions", json=body) as response:
        usage = (await response.json())["usage"]
    return int(usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"])


@pytest.mark.parametrize(("words", "said"), [("dawn=/nowhere", "missing_file"), ("Dawn!=/nowhere", "NAME=FOLDER")])
def test_an_adapter_that_cannot_be_had_is_said_in_one_line(words: str, said: str) -> None:
    argv = ["-m", "inference.embedded", "--model", str(model_file()), "--port", str(free_port()), "--adapter", words]
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_plan_names_each_adapter() -> None:
    given = (AdapterFiles("dawn", Path("/adapters/dawn")),)
    argv = engine("llamacpp").launch(Plan(Path("python"), "model.gguf", 8071, adapters=given)).argv
    assert argv[-2:] == ("--adapter", "dawn=/adapters/dawn")
