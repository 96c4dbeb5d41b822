"""Straight to the engine: the line that the app is measured against."""

import asyncio
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


async def stream(http: aiohttp.ClientSession, node: Node, asked: Request) -> Heard:
    began, first, tokens, text = time.perf_counter(), 0.0, 0, ""
    async with aclosing(engine(node.kind).stream(http, node, asked)) as pieces:
        async for piece in pieces:
            if piece.text and not first:
                first = time.perf_counter() - began
            tokens += piece.tokens
            text += piece.text
    return Heard(first, time.perf_counter() - began, tokens, text)


async def burst(node: Node, streams: int, ask: Ask) -> list[Heard]:
    """So many streams at the same moment."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=streams)) as http:
        return list(await asyncio.gather(*(stream(http, node, request(ask, seed)) for seed in range(streams))))


CONTINUE = Ask(Kind.CONTINUE, "", "", "湖", "清晨的湖面还没有醒来。", "zh")
"""The ask of the stream figures: the fake engine answers it with as many tokens as it was told."""
