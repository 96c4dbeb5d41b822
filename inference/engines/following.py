"""Follows a text along its shape, for engines that cannot hold one while they write."""

import re

from inference.verse.shape import EMPTY, NOTHING, Shape, after, may_end

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


def bare(text: str) -> str:
    """The text without what stands around a poem. Nothing is added, and no line of verse is taken away."""
    found = _BEFORE.match(text)
    return _AFTER.sub("", text[found.end() :] if found else text)
