"""Several drafts of each couplet, of which the best is shown: where a node has room, since a writer waits for all.

A couplet is whole before any of it is shown; what was shown stays. So a stream only ever grows, a stop leaves whole
couplets, and a poem that was begun without drafts goes on with them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import aiohttp

from inference.engines.base import Node, Piece
from inference.errors import EngineError
from inference.request import Request
from inference.verse import craft
from inference.verse.registry import FORMS

Write = Callable[[aiohttp.ClientSession, Node, Request], AsyncGenerator[Piece, None]]

ENDS = {"regulated": "。", "ci": "。", "duilian": "。"}  # what ends a part that is drafted whole, by family
APART = 15_485_863  # between the seeds of two drafts
ROOMY = 8  # a node that makes so many texts at once has room for drafts
WEIGHED = {"logprobs": True, "top_logprobs": 1}  # with each token how likely it was; engines refuse 0 or take it for 20
LIKELY = 1.0  # what a nat a token is worth, beside the faults of craft.py


def worth(request: Request) -> bool:
    """Whether drafts of this text are compared: a whole poem in tones, not another line of one."""
    constraint = request.sampling["constraint"]
    form = FORMS.get(constraint["form"])
    return form is not None and form.family in ENDS and "instead" not in constraint


async def stream(
    write: Write, drafts: int, http: aiohttp.ClientSession, node: Node, request: Request
) -> AsyncGenerator[Piece, None]:
    """What the engine writes (`write`, its stream), the best of so many drafts of every couplet."""
    end = ENDS[FORMS[request.sampling["constraint"]["form"]].family]
    while True:
        asked = [_draft_of(request, number) for number in range(drafts)]
        made = await asyncio.gather(*(_part(write, end, http, node, each) for each in asked), return_exceptions=True)
        parts = [each for each in made if isinstance(each, Piece)]
        if not parts:
            raise next(each for each in made if isinstance(each, BaseException))
        best = await asyncio.to_thread(max, parts, key=lambda part: _rank(part, request.written))
        yield best._replace(tokens=sum(part.tokens for part in parts))
        if best.finish:
            return
        request = replace(request, written=request.written + best.text)


def _rank(part: Piece, before: str) -> tuple[bool, float]:
    likely = LIKELY * part.logprob / part.tokens if part.logprob is not None and part.tokens else 0.0
    return part.conforms is not False, craft.score(part.text, before) + likely


def _draft_of(request: Request, number: int) -> Request:
    """The first draft is what would have been written without others."""
    seed = (request.sampling["seed"] + APART * number) % 2**31
    return replace(request, sampling=request.sampling | {"seed": seed} | WEIGHED)


async def _part(write: Write, end: str, http: aiohttp.ClientSession, node: Node, request: Request) -> Piece:
    """One draft of what comes next, and how likely it was: up to the end of a couplet, or of the text."""
    text, tokens = "", 0
    logprob: float | None = None
    async with aclosing(write(http, node, request)) as pieces:
        async for piece in pieces:
            text, tokens = text + piece.text, tokens + piece.tokens
            if piece.logprob is not None:
                logprob = (logprob or 0.0) + piece.logprob
            if piece.finish:
                return piece._replace(text=text, tokens=tokens, logprob=logprob)
            if end in text:
                return Piece(text[: text.index(end) + 1], tokens, logprob=logprob)
    raise EngineError("engine_broken", "no finish reason")
