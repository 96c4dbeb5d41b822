"""Whether an adapter that an engine says it has loaded does there what it ought to.

Engines have served the base under an adapter's name, one adapter under another's, the attention half of one, and one at
twice its strength; none of them said so. So a node is asked for the first tokens of a few chats, with the adapter and
without, and the answers are compared with `reference.json`, which training computed in float32 (see
`training.reference`).

A node rounds its weights differently than the reference does, and how much is seen on its own base. llama.cpp on a
4-bit file lay 0.05 nat off with its base and 0.05 with an adapter that moves the likeliest tokens by 0.54; the same
adapter with one half missing lay 0.35 to 0.39 off, at half or twice its strength 0.33 and 0.68, another one 0.59, none
0.50. Hence the limits: what the base is off, and a quarter of what the adapter moves. An adapter that moves less than
the rounding cannot be proved so, and is not taken for proved.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import aiohttp

from inference.engines import engine
from inference.engines.base import AdapterFiles, Node
from inference.request import Request

REFERENCE = "reference.json"
FORMAT = 1
SHARE = 0.25  # of the reference's movement: less is no effect, and further off is another effect
ROUGHEST = 0.3  # nat; a base that lies further off is another model, or spoilt
WEAKEST = 0.04  # nat; less movement than this is lost in the rounding
COMPARED, SHORTEST = 12, 4  # characters of a greedy text
BLANK = {"base_text": "", "adapter_text": ""}  # of a probe that only measures
Why = Literal["", "no_reference", "weak_reference", "other_base", "no_effect", "other_effect"]
Logprobs = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Proof:
    """`why` is empty if it took. `moved` is how far the node's answers are from its own base, `off` how far from the
    reference: in nat over the likeliest first tokens, or as a share of the probes for an engine that cannot measure.
    """

    took: bool
    why: Why
    moved: float = 0.0
    off: float = 0.0


async def prove(http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> Proof:
    """Ask the node and judge; raises EngineError if it does not answer."""
    probes = probes_of(adapter.folder)
    if not probes:
        return Proof(took=False, why="no_reference")
    if engine(node.kind).traits.measures:
        return await _measured(http, node, adapter, probes)
    return await _read(http, node, adapter, probes)


def probes_of(folder: Path) -> list[dict[str, Any]]:
    """What the reference of an adapter holds; nothing if there is none that we can read and use."""
    try:
        told = json.loads((folder / REFERENCE).read_text(encoding="utf-8"))
        probes = list(told["probes"]) if told["format"] == FORMAT else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return probes if all(map(_is_probe, probes)) else []


def _is_probe(told: Any) -> bool:
    """As training.reference writes one; a number that is none would prove anything."""
    if not isinstance(told, dict) or not isinstance(chat := told.get("messages"), list) or not chat:
        return False
    spoken = all(isinstance(said, dict) and _texts(said, "role", "content") for said in chat)
    measured = all(_are_logprobs(told.get(which)) for which in ("base", "adapter"))
    return spoken and measured and _texts(BLANK | told, *BLANK)


def _texts(told: dict[str, Any], *names: str) -> bool:
    return all(isinstance(told.get(name), str) for name in names)


def _are_logprobs(told: Any) -> bool:
    numbers = told.values() if isinstance(told, dict) else ()
    return bool(numbers) and all(isinstance(each, int | float) and isfinite(each) for each in numbers)


def gap(these: Logprobs, those: Logprobs) -> float:
    """How far apart two answers are: the mean over the likeliest tokens of `these`.

    Each names its likeliest tokens only. A token that one does not name is at most as likely there as the last that it
    does, so nothing is counted below the higher of the two ends.
    """
    floor = max(min(these.values()), min(those.values()))
    return fmean(abs(max(value, floor) - max(those.get(token, floor), floor)) for token, value in these.items())


async def _measured(
    http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles, probes: list[dict[str, Any]]
) -> Proof:
    measure = engine(node.kind).measure
    bases = [await measure(http, node, probe["messages"]) for probe in probes]
    answers = [await measure(http, node, probe["messages"], adapter.name) for probe in probes]
    return judge(probes, bases, answers)


def judge(probes: list[dict[str, Any]], bases: Sequence[Logprobs], answers: Sequence[Logprobs]) -> Proof:
    """The verdict on what a node answered without the adapter and with it."""
    ought = _mean(gap(probe["base"], probe["adapter"]) for probe in probes)
    rough = _mean(gap(probe["base"], base) for probe, base in zip(probes, bases, strict=True))
    moved = _mean(gap(base, answer) for base, answer in zip(bases, answers, strict=True))
    off = _mean(gap(probe["adapter"], answer) for probe, answer in zip(probes, answers, strict=True))
    why: Why = ""
    if ought < WEAKEST:
        why = "weak_reference"
    elif rough > ROUGHEST:
        why = "other_base"
    elif moved < SHARE * ought:
        why = "no_effect"
    elif off > rough + SHARE * ought:
        why = "other_effect"
    return Proof(not why, why, moved, off)


async def _read(http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles, probes: list[dict[str, Any]]) -> Proof:
    """By greedy texts: most of those that the adapter changes must begin as the reference says. For engines that cannot
    hold a shape either: a shape would change the text.
    """
    telling = [told for probe in probes if (told := BLANK | probe)["adapter_text"] != told["base_text"]]
    if not telling:
        return Proof(took=False, why="weak_reference")
    texts = [await _greedy(http, node, adapter.name, probe["messages"]) for probe in telling]
    moved = _mean(not _begins(text, probe["base_text"]) for text, probe in zip(texts, telling, strict=True))
    off = _mean(not _begins(text, probe["adapter_text"]) for text, probe in zip(texts, telling, strict=True))
    why: Why = "no_effect" if moved <= 0.5 else "other_effect" if off >= 0.5 else ""
    return Proof(not why, why, moved, off)


async def _greedy(http: aiohttp.ClientSession, node: Node, adapter: str, messages: list[dict[str, str]]) -> str:
    sampling = {"temperature": 0.0, "max_tokens": 16, "seed": 0, "stop": []}
    sampling["constraint"] = {"form": "line", "language": "zh"}
    async with aclosing(engine(node.kind).stream(http, node, Request(messages, sampling, "", adapter))) as pieces:
        return "".join([piece.text async for piece in pieces])


def _begins(text: str, reference: str) -> bool:
    """As far as both go: an engine may end its text with a sentence."""
    said, ought = text.strip()[:COMPARED], reference.strip()[:COMPARED]
    shorter = min(len(said), len(ought))
    return shorter >= SHORTEST and said[:shorter] == ought[:shorter]


def _mean(values: Iterable[float]) -> float:
    return round(fmean(values), 4)
