"""Drafts of a couplet: the best is shown, what is shown stays, and a draft that breaks off is done without."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from inference import drafting
from inference.engines.base import Node
from inference.engines.fake.poet import tokens_of
from inference.errors import EngineError
from inference.request import Request, another_line
from inference.rest import rest_of
from inference.sse import Piece
from inference.verse import craft, forms
from tests.inference.asking import asked, request_for

NODE = Node("n", "fake", "http://127.0.0.1:1")


class Poet:
    """The fake poet without its server. Drafts `breaks` of each couplet break off; `open` are being written.

    Draft `sure` says that all its tokens are certain, the others that theirs are not.
    """

    def __init__(self, breaks: frozenset[int] = frozenset(), sure: int | None = None) -> None:
        self.breaks, self.sure, self.open, self.all_open = breaks, sure, 0, asyncio.Event()
        self.seen: list[Request] = []

    async def write(self, http: Any, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        self.seen.append(request)
        number = (request.sampling["seed"] - 1) // drafting.APART
        self.open += 1
        if self.open == 3:
            self.all_open.set()
        try:
            if not rest_of(request).nothing:
                for at, token in enumerate(tokens_of(request.sampling | {"written": request.written}, "湖", 60)):
                    await asyncio.sleep(0)
                    if at == 3 and number in self.breaks:
                        raise EngineError("engine_broken", "on purpose")
                    yield Piece(token, 1, logprob=None if self.sure is None else -90.0 * (number != self.sure))
            yield Piece("", 0, "stop")
        finally:
            self.open -= 1


async def pieces_of(poet: Poet, request: Request, drafts: int = 3) -> list[Piece]:
    async with aiohttp.ClientSession() as http:
        return [piece async for piece in drafting.stream(poet.write, drafts, http, NODE, request)]


@pytest.mark.parametrize("form", ["wujue", "qilv"])
async def test_the_best_draft_of_each_couplet_is_shown_whole(form: str) -> None:
    poet = Poet()
    pieces = await pieces_of(poet, request_for(asked(form)))
    text = "".join(piece.text for piece in pieces)
    assert forms.conforms(form, text)
    assert [piece.text.strip() for piece in pieces if piece.text] == text.replace("。\n", "。|").split("|")
    assert pieces[-1].finish == "stop"
    first = [await drafting._part(poet.write, "。", None, NODE, each) for each in poet.seen[:3]]  # type: ignore[arg-type]
    assert len({part.text for part in first}) == 3
    assert pieces[0].text == max(first, key=lambda part: craft.score(part.text)).text
    assert pieces[0].tokens == sum(part.tokens for part in first)
    assert poet.open == 0


async def test_the_first_draft_is_what_would_have_been_written_anyway() -> None:
    poet = Poet()
    await pieces_of(poet, request_for(asked("wujue")))
    alone = request_for(asked("wujue"))
    assert poet.seen[0] == Request(alone.messages, alone.sampling | drafting.WEIGHED)
    assert len({each.sampling["seed"] for each in poet.seen[:3]}) == 3


@pytest.mark.parametrize("sure", [0, 1, 2])
async def test_of_drafts_one_is_shown_that_the_model_finds_much_likelier(sure: int) -> None:
    poet = Poet(sure=sure)
    pieces = await pieces_of(poet, request_for(asked("wujue")))
    written = [await drafting._part(poet.write, "。", None, NODE, each) for each in poet.seen[:3]]  # type: ignore[arg-type]
    assert len({part.text for part in written}) == 3
    assert pieces[0].text == written[sure].text


async def test_a_poem_goes_on_from_any_place_with_drafts() -> None:
    whole = "".join(piece.text for piece in await pieces_of(Poet(), request_for(asked("wujue"))))
    for cut in range(len(whole)):
        rest = await pieces_of(Poet(), request_for(asked("wujue"), written=whole[:cut]))
        assert forms.conforms("wujue", whole[:cut] + "".join(piece.text for piece in rest))


async def test_a_draft_that_breaks_off_is_done_without() -> None:
    pieces = await pieces_of(Poet(frozenset({0, 2})), request_for(asked("wujue")))
    assert forms.conforms("wujue", "".join(piece.text for piece in pieces))


async def test_when_every_draft_breaks_off_it_is_said() -> None:
    poet = Poet(frozenset({0, 1, 2}))
    with pytest.raises(EngineError, match="on purpose"):
        await pieces_of(poet, request_for(asked("wujue")))
    assert poet.open == 0


async def test_who_stops_stops_every_draft() -> None:
    poet = Poet()
    writing = asyncio.create_task(pieces_of(poet, request_for(asked("qilv"))))
    await poet.all_open.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert poet.open == 0


def test_only_whole_poems_in_tones_are_drafted() -> None:
    assert drafting.worth(request_for(asked("qijue")))
    assert not drafting.worth(request_for(asked("free")))
    poem = request_for(asked("wujue"))
    seen, sampling = another_line(poem.messages, poem.sampling, "一\n二", 0, 1)
    assert not drafting.worth(Request(seen, sampling))
