"""A text in traditional script: every engine writes simplified, and what leaves here is turned a line at a time.

A line waits until it is whole, since 发 is 髮 or 發 by what stands beside it. What is written already comes in as it
was shown, and is turned back before an engine goes on with it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import aiohttp

from inference.drafting import Write
from inference.engines.base import Node, Piece
from inference.request import Request
from inference.verse.script import as_made, traditional

ENDS = "，。？！；：、\n"  # no phrase goes on beyond these


def stream(write: Write, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
    """What the engine writes (`write`, its stream), in the script that the request asks for."""
    if request.sampling["constraint"].get("options", {}).get("script") != "hant":
        return write(http, node, request)
    return _turned(write(http, node, _back(request)))


async def _turned(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    kept = ""
    async with aclosing(pieces):
        async for piece in pieces:
            kept += piece.text
            whole = kept if piece.finish else kept[: 1 + max(map(kept.rfind, ENDS))]
            kept = kept[len(whole) :]
            yield piece._replace(text=_lines(whole))
    if kept:
        yield Piece(_lines(kept))


def _lines(text: str) -> str:
    """Turned part by part, so that the cuts between two pieces decide nothing."""
    ends = [at for at, char in enumerate(text) if char in ENDS]
    starts = [0, *(at + 1 for at in ends), len(text)]
    return "".join(traditional(text[start:stop]) for start, stop in pairwise(starts))


def _back(request: Request) -> Request:
    """The request with everything in it that was written in traditional script as the engine would have written it."""
    messages, constraint = request.messages, request.sampling["constraint"]
    form: str = constraint["form"]
    if messages[-1]["role"] == "assistant":
        messages = [*messages[:-1], messages[-1] | {"content": as_made(messages[-1]["content"], form)}]
    if of := constraint.get("instead"):
        constraint = constraint | {"instead": of | {"poem": as_made(of["poem"], form)}}
    sampling = request.sampling | {"constraint": constraint}
    return replace(request, messages=messages, sampling=sampling, written=as_made(request.written, form))
