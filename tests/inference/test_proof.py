"""The proof that an adapter took effect: what it lets through, and every way in which engines have cheated.

`vectors/proof.json` holds what llama.cpp answered with a 4-bit 0.5B, for the base and for one adapter applied rightly
and wrongly, beside the reference in float32. It is measured anew by the last tests, where the model is.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from inference.engines.base import AdapterFiles, Node
from inference.proof import REFERENCE, Proof, gap, judge, probes_of, prove
from tests.engines import adapters
from tests.processes_inference import real_engine

SEEN = json.loads((Path(__file__).parent.parent / "vectors" / "proof.json").read_text(encoding="utf-8"))
PROBES: list[dict[str, Any]] = SEEN["probes"]
ANSWERS: dict[str, list[dict[str, float]]] = SEEN["answers"]
VERDICTS = {
    "right": "",
    "base": "no_effect",
    "wrong": "other_effect",
    "half": "other_effect",
    "mlp": "other_effect",
    "double": "other_effect",
    "halved": "other_effect",
}


def referred(folder: Path, probes: list[dict[str, Any]]) -> AdapterFiles:
    folder.mkdir()
    (folder / REFERENCE).write_text(json.dumps({"format": 1, "probes": probes}), encoding="utf-8")
    return AdapterFiles(folder.name, folder)


@asynccontextmanager
async def answering(adapter: str) -> AsyncIterator[Node]:
    """A server that measures: the base as it was seen, and for any adapter what was seen of that one."""

    async def completions(request: web.Request) -> web.Response:
        asked = await request.json()
        seen = ANSWERS["base" if asked["model"] == "fake" else adapter]
        place = [probe["messages"] for probe in PROBES].index(asked["messages"])
        top = [{"token": token, "logprob": value} for token, value in seen[place].items()]
        return web.json_response({"choices": [{"logprobs": {"content": [{"top_logprobs": top}]}}]})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", completions)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Node("measures", "fake", f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("applied", "why"), VERDICTS.items())
async def test_what_was_seen_of_a_4_bit_engine_is_judged_rightly(
    http: aiohttp.ClientSession, tmp_path: Path, applied: str, why: str
) -> None:
    async with answering(applied) as node:
        proof = await prove(http, node, referred(tmp_path / "dawn", PROBES))
    assert (proof.took, proof.why) == (not why, why)


@pytest.mark.parametrize("applied", VERDICTS)
def test_the_limits_are_not_near_what_was_seen(applied: str) -> None:
    """A verdict stands if every number is a quarter greater or smaller."""
    verdict = judge(PROBES, ANSWERS["base"], ANSWERS[applied])
    rough = judge(PROBES, ANSWERS["base"], ANSWERS["right"]).off
    assert verdict.took == (verdict.off < 1.25 * rough)
    assert verdict.took or verdict.off > 1.25 * (rough + 0.25 * judge(PROBES, ANSWERS["base"], ANSWERS["base"]).off)


async def test_without_a_reference_nothing_is_proved(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    nowhere = Node("gone", "fake", "http://127.0.0.1:9")
    assert await prove(http, nowhere, AdapterFiles("dawn", tmp_path)) == Proof(took=False, why="no_reference")
    (tmp_path / REFERENCE).write_text('{"format": 2, "probes": []}')
    assert (await prove(http, nowhere, AdapterFiles("dawn", tmp_path))).why == "no_reference"


MESSAGE = {"role": "user", "content": "湖"}
WHOLE = {"messages": [MESSAGE], "base": {"湖": -1.0}, "adapter": {"湖": -2.0}}


@pytest.mark.parametrize(
    "probe",
    [
        {},
        "湖",
        WHOLE | {"messages": []},
        WHOLE | {"messages": [{"role": "user"}]},
        WHOLE | {"base": {}},
        WHOLE | {"adapter": {"湖": "-2"}},
        WHOLE | {"adapter": {"湖": float("nan")}},
        WHOLE | {"base_text": 3},
    ],
)
def test_a_reference_that_cannot_be_used_is_none(tmp_path: Path, probe: Any) -> None:
    assert probes_of(referred(tmp_path / "whole", [WHOLE]).folder) == [WHOLE]
    assert probes_of(referred(tmp_path / "bad", [WHOLE, probe]).folder) == []


def test_a_reference_that_hardly_moves_proves_nothing() -> None:
    still = [probe | {"adapter": probe["base"]} for probe in PROBES]
    assert judge(still, ANSWERS["base"], ANSWERS["base"]).why == "weak_reference"


def test_another_base_is_named_as_such() -> None:
    assert judge(PROBES, ANSWERS["double"], ANSWERS["right"]).why == "other_base"


def test_what_one_answer_does_not_name_counts_as_its_last() -> None:
    assert gap({"a": -1.0, "b": -3.0}, {"a": -1.0, "c": -2.0}) == 0.0
    assert gap({"a": -1.0, "b": -2.0}, {"a": -1.5, "c": -3.0}) == pytest.approx(0.25)


# --- an engine that cannot measure ------------------------------------------------------------------------------------


@asynccontextmanager
async def saying(which: str) -> AsyncIterator[Node]:
    """A server like `transformers serve`, with one adapter; it says the base's texts, the adapter's, or others."""

    async def completions(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        assert json.loads(asked["generation_config"])["do_sample"] is False
        probe = next(probe for probe in PROBES if probe["messages"] == asked["messages"])
        text = probe.get(which, which) + "，还有后来的话"
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in ({"delta": {"content": text}}, {"delta": {}, "finish_reason": "length"}):
            await response.write(b"data: " + json.dumps({"choices": [event]}).encode() + b"\n\n")
        return response

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "base"}, {"id": "adapter/dawn"}]})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", completions), web.get("/v1/models", models)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Node("reads", "transformers", f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("which", "why"), [("adapter_text", ""), ("base_text", "no_effect"), ("一只白鹭不肯飞过河去", "other_effect")]
)
async def test_a_text_tells_where_nothing_can_be_measured(
    http: aiohttp.ClientSession, tmp_path: Path, which: str, why: str
) -> None:
    async with saying(which) as node:
        proof = await prove(http, node, referred(tmp_path / "dawn", PROBES))
    assert (proof.took, proof.why) == (not why, why)


async def test_texts_that_are_the_base_s_prove_nothing(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    same = [probe | {"adapter_text": probe["base_text"]} for probe in PROBES]
    async with saying("adapter_text") as node:
        assert (await prove(http, node, referred(tmp_path / "dawn", same))).why == "weak_reference"


# --- the real engine --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def misled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, dict[str, AdapterFiles]]]:
    """llama.cpp with one adapter as it is and as faulty engines would apply it, each under the name of its fault."""
    beside, dawn = tmp_path_factory.mktemp("adapters"), adapters.first()
    folders = {
        "right": dawn.folder,
        "wrong": adapters.second().folder,
        "half": adapters.changed(dawn, "half", beside, only="self_attn").folder,
        "double": adapters.changed(dawn, "double", beside, scale=2.0).folder,
        "halved": adapters.changed(dawn, "halved", beside, scale=0.5).folder,
        "none": adapters.changed(dawn, "none", beside, scale=0.0).folder,
    }
    with real_engine("--cold", *(f"--adapter={name}={folder}" for name, folder in folders.items())) as node:
        yield node, {name: AdapterFiles(name, dawn.folder) for name in folders}


@pytest.mark.engine
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("applied", "why"),
    [
        ("right", ""),
        ("wrong", "other_effect"),
        ("half", "other_effect"),
        ("double", "other_effect"),
        ("halved", "other_effect"),
        ("none", "no_effect"),
    ],
)
async def test_a_real_engine_that_does_otherwise_is_found_out(
    http: aiohttp.ClientSession, misled: tuple[Node, dict[str, AdapterFiles]], applied: str, why: str
) -> None:
    node, named = misled
    proof = await prove(http, node, named[applied])
    print(f"\n{applied}: moved {proof.moved:.3f}, off {proof.off:.3f}")
    assert (proof.took, proof.why) == (not why, why)
