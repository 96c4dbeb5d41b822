"""Follows a text along its shape, for engines that cannot hold one while they write, or may fail to and not say so."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from inference.sse import Piece
from inference.verse.shape import EMPTY, NOTHING, Shape, after, may_end, only

# Around a poem, and clearly not of it: empty lines, marks of code, a title in title marks, a word to the reader that
# ends in a colon before an empty line.
_BEFORE = re.compile(r"(?:\s+|```\w*\n|《[^》\n]{1,30}》[ 　]*\n|[^\n]{1,60}[：:][ 　]*\n[ 　]*\n)+")
_AFTER = re.compile(r"\s*(?:\n```)?\s*$")


class Follower:
    """`done` once nothing may follow what it has taken, `lost` once it has not the shape any more."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    @property
    def done(self) -> bool:
        return self.shape == EMPTY

    @property
    def lost(self) -> bool:
        return self.shape == NOTHING

    @property
    def whole(self) -> bool:
        """Whether the text may end here."""
        return may_end(self.shape)

    def take(self, text: str) -> str:
        """Follow `text` as far as it may go; what has lost its shape goes on as it likes."""
        for place, char in enumerate(text):
            if self.done:
                return text[:place]
            if not self.lost:
                self.shape = after(self.shape, char)
        return text


async def watched(
    shape: Shape, pieces: AsyncGenerator[Piece, None], *, settle: bool = False
) -> AsyncGenerator[Piece, None]:
    """The pieces; the last of a text that has left its shape says that it does not conform.

    llama.cpp holds a model to nothing if a grammar is too much for it, and only its log says so; LMDeploy reads regular
    expressions, which cannot count syllables. A text that ran out of tokens has its shape as far as it goes.

    With `settle`, what the shape leaves no choice of is said at once and the engine let go: of a quatrain the last mark
    and the token that says that all is said, two of 24, 0.2 s on two cores.
    """
    follower = Follower(shape)
    async with aclosing(pieces):
        async for piece in pieces:
            follower.take(piece.text)
            end = only(follower.shape) if settle and not piece.finish else None
            if end is not None:
                yield piece._replace(text=piece.text + end, finish="stop")
                return
            astray = follower.lost or (piece.finish == "stop" and not follower.whole)
            yield piece._replace(conforms=False) if piece.finish and astray else piece


def bare(text: str) -> str:
    """The text without what stands around a poem. Nothing is added, and no line of verse is taken away."""
    found = _BEFORE.match(text)
    return _AFTER.sub("", text[found.end() :] if found else text)
