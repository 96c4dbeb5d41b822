"""Poems by the hundred from the real engine, each judged.

    python -m bench.verse MODEL OUT.jsonl [--each 200] [--forms wujue …]

What is wrong is a bug, so it is shown whole. OUT keeps every poem, in the order of its seed, and a second start goes on
where the first one stood. `python -m bench.verse_read OUT.jsonl` tells what there is to tell of them.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from inference import drafting
from inference.drafting import Write
from inference.embedded import cores
from inference.engines import engine
from inference.engines.base import Node
from inference.request import Ask, Kind, Request, messages, sampling
from inference.sse import Limits
from inference.verse.forms import FORMS, LANGUAGES, conforms
from tests.processes_inference import engine_with

SEED = 2026
PATIENT = Limits(first=300.0, between=120.0, whole=900.0)  # how long it takes is told, and ends nothing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.verse")
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=200, help="poems of a form; of a tune of 词 half as many")
    parser.add_argument("--forms", nargs="*", default=[name for name in FORMS if name != "english"])
    parser.add_argument("--drafts", type=int, default=0, help="of each couplet, weighed; without it none is compared")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cores())
    said = parser.parse_args()
    known = {key(json.loads(line)) for line in said.out.read_text("utf-8").splitlines()} if said.out.exists() else set()
    todo = [row for row in _rows(said.forms, said.each) if key(row) not in known]
    sys.stdout.write(f"{len(known)} are there, {len(todo)} to be made\n")
    slots = said.at_once * max(1, said.drafts)
    with engine_with(said.model, "--slots", str(slots), threads=said.threads) as node:
        wrong = asyncio.run(_make(replace(node, limits=PATIENT), todo, said))
    sys.exit(1 if wrong else 0)


def key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["form"], row["language"], row["seed"]


def _wishes() -> dict[str, list[str]]:
    rows = [row.split("\t") for row in Path(__file__).with_name("wishes.txt").read_text("utf-8").splitlines()]
    return {language: [wish for each, wish in rows if each == language] for language in LANGUAGES}


def _rows(forms: list[str], each: int) -> Iterator[dict[str, Any]]:
    """Every form in every language it is written in."""
    wishes = _wishes()
    for name in forms:
        for language in (language for language in LANGUAGES if FORMS[name].language in {None, language}):
            for number in range(each // 2 if FORMS[name].family == "ci" else each):
                wish = wishes[language][number % len(wishes[language])]
                yield {"form": name, "language": language, "seed": SEED + number, "wish": wish}


async def _make(node: Node, todo: list[dict[str, Any]], said: argparse.Namespace) -> int:
    """How many have not their form. A few at once, one form after the other."""
    waiting, wrong = iter(todo), 0
    with said.out.open("a", encoding="utf-8") as file:
        async with aiohttp.ClientSession() as http:

            async def seat() -> None:
                nonlocal wrong
                for row in waiting:
                    made = await _poem(http, node, row, said.drafts)
                    wrong += not made["right"]
                    file.write(json.dumps(made, ensure_ascii=False) + "\n")
                    file.flush()
                    if not made["right"]:
                        sys.stdout.write(f"WRONG {made}\n")

            await asyncio.gather(*(seat() for _ in range(said.at_once)))
    return wrong


async def _poem(http: aiohttp.ClientSession, node: Node, row: dict[str, Any], drafts: int) -> dict[str, Any]:
    ask = Ask(Kind.POEM, row["form"], row["wish"], "", "", row["language"])
    request = Request(messages(ask), sampling(ask, 0, row["seed"]))
    write: Write = engine(node.kind).stream
    if drafts and drafting.worth(request):
        write = partial(drafting.stream, write, drafts)
    began, first, tokens, text, finish = time.perf_counter(), 0.0, 0, "", ""
    logprobs: list[float] = []  # of each couplet
    async with aclosing(write(http, node, request)) as pieces:
        async for piece in pieces:
            first = first or time.perf_counter() - began
            text, tokens, finish = text + piece.text, tokens + piece.tokens, piece.finish
            logprobs += [piece.logprob] if piece.logprob is not None else []
    right = conforms(row["form"], text, row["language"])
    spent = {"first": round(first, 3), "seconds": round(time.perf_counter() - began, 3), "tokens": tokens}
    likely = {"logprob": round(sum(logprobs), 2)} if logprobs else {}
    return row | {"text": text, "right": right, "finish": finish} | spent | likely


if __name__ == "__main__":
    main()
