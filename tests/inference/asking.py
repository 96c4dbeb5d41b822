"""Requests and answers, as tests write them."""

from contextlib import aclosing

import aiohttp

from inference.engines import engine
from inference.engines.base import Node, Piece
from inference.request import Ask, Kind, Request, messages, sampling


def asked(
    form: str = "", wish: str = "湖上的晨雾", language: str = "zh", kind: Kind = Kind.POEM, before: str = ""
) -> Ask:
    return Ask(kind, form, wish, "白露", before, language)


def request_for(ask: Ask, *, seed: int = 1, position: int = 0, written: str = "") -> Request:
    return Request(messages(ask), sampling(ask, position, seed), written)


async def pieces_of(http: aiohttp.ClientSession, node: Node, request: Request) -> list[Piece]:
    async with aclosing(engine(node.kind).stream(http, node, request)) as pieces:
        return [piece async for piece in pieces]


async def text_of(http: aiohttp.ClientSession, node: Node, request: Request) -> str:
    return "".join(piece.text for piece in await pieces_of(http, node, request))
