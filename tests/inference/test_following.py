"""What an engine says it holds a text to, and what comes out: a text that has left its shape says so."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from inference.engines.following import watched
from inference.sse import Piece
from inference.verse.forms import draw, follow

HELD = draw("haiku", "en", "", "1")


def said(*texts: str, finish: str = "stop") -> bool | None:
    async def pieces() -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(text, 1)
        yield Piece("", 0, finish)

    async def listen() -> list[Piece]:
        return [piece async for piece in watched(follow(HELD), pieces())]

    heard = asyncio.run(listen())
    assert "".join(piece.text for piece in heard) == "".join(texts)
    assert [piece.conforms for piece in heard[:-1]] == [None] * len(texts)
    return heard[-1].conforms


@pytest.mark.parametrize(
    ("texts", "finish", "conforms"),
    [
        (("The old shel", "ter leaks\nrain is counting itself out\non a plastic chair"), "stop", None),
        (("The old shelter leaks\n", "rain is counting itself out\non a chair"), "stop", False),
        (("The old shelter leaks and leaks",), "stop", False),
        (("The old shelter leaks\nrain is",), "length", None),
        (("Sure! Here is a haiku",), "length", False),
        ((), "stop", False),
    ],
)
def test_a_text_that_has_left_its_shape_says_so(texts: tuple[str, ...], finish: str, conforms: bool | None) -> None:
    assert said(*texts, finish=finish) is conforms
