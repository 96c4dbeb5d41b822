"""Straight to the engine: the line that the app is measured against."""

import asyncio
import random
import time
from contextlib import aclosing
from dataclasses import dataclass

import aiohttp

from inference.engines import engine
from inference.engines.base import Node
from inference.request import Ask, Kind, Request, messages, sampling


@dataclass
class Heard:
    """One stream: seconds to its first text and to its end, and how many tokens it had."""

    first: float
    whole: float
    tokens: int
    text: str


def request(ask: Ask, seed: int) -> Request:
    return Request(messages(ask), sampling(ask, 0, seed))


async def stream(http: aiohttp.ClientSession, node: Node, asked: Request, wait: float = 0.0) -> Heard:
    await asyncio.sleep(wait)
    began, first, tokens, text = time.perf_counter(), 0.0, 0, ""
    async with aclosing(engine(node.kind).stream(http, node, asked)) as pieces:
        async for piece in pieces:
            if piece.text and not first:
                first = time.perf_counter() - began
            tokens += piece.tokens
            text += piece.text
    return Heard(first, time.perf_counter() - began, tokens, text)


async def burst(nodes: list[Node], streams: int, ask: Ask, spread: float = 0.0) -> list[Heard]:
    """So many streams, dealt out to the nodes in turn: at one moment, or each at its own within `spread` seconds."""
    dice = random.Random(1)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=streams)) as http:
        asks = (
            stream(http, nodes[seed % len(nodes)], request(ask, seed), dice.uniform(0, spread))
            for seed in range(streams)
        )
        return list(await asyncio.gather(*asks))


CONTINUE = Ask(Kind.CONTINUE, "", "", "湖", "清晨的湖面还没有醒来。", "zh")
"""The ask of the stream figures: the fake engine answers it with as many tokens as it was told."""
