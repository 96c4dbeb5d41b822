"""What an engine says it holds a text to, and what comes out: a text that has left its shape says so, and one whose end
leaves no choice is ended.
"""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from inference.engines.following import watched
from inference.sse import Piece
from inference.verse.forms import draw, follow
from inference.verse.shape import after, heads, only

HELD = draw("haiku", "en", "", "1")
QUATRAIN = follow(draw("wujue", "zh", "", "1"))


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


def quatrain() -> str:
    """One that the shape allows, without its last mark; no sense in it."""
    shape, written = QUATRAIN, ""
    while only(shape) != "。":
        written += min(heads(shape))
        shape = after(shape, written[-1])
    return written


POEM = quatrain()


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ((POEM[:-1], POEM[-1], "。", ""), [POEM[:-1], f"{POEM[-1]}。"]),
        ((POEM[:-1], f"{POEM[-1]}。", ""), [POEM[:-1], f"{POEM[-1]}。"]),
        ((POEM[:-1], ""), [POEM[:-1], ""]),
        (("Sure", ", here it is", ""), ["Sure", ", here it is", ""]),
    ],
    ids=["its mark is not waited for", "nor the word that all is said", "out of tokens before", "without its shape"],
)
def test_an_end_that_leaves_no_choice_is_not_waited_for(texts: tuple[str, ...], shown: list[str]) -> None:
    asked: list[str] = []

    async def pieces() -> AsyncGenerator[Piece, None]:
        for place, text in enumerate(texts, start=1):
            asked.append(text)
            yield Piece(text, 1, "length" if place == len(texts) else "")

    async def listen() -> list[Piece]:
        return [piece async for piece in watched(QUATRAIN, pieces(), settle=True)]

    heard = asyncio.run(listen())
    assert [piece.text for piece in heard] == shown
    assert len(asked) == len(shown)  # the engine is let go
    assert heard[-1].finish == ("stop" if len(shown) < len(texts) else "length")
    assert not any(piece.finish for piece in heard[:-1])
