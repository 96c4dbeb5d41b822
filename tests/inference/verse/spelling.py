"""Texts drawn evenly from what a shape allows, with no model between."""

import random
from functools import cache

from inference.verse.shape import EMPTY, Shape, after, heads, may_end


def spelled(shape: Shape, seed: int) -> str:
    """Some text of this shape, as long as it may be."""
    dice = random.Random(seed)
    said = ""
    while shape != EMPTY and (steps := _ordered(heads(shape))):
        char = dice.choice(steps)
        said, shape = said + char, after(shape, char)
    assert may_end(shape)
    return said


@cache
def _ordered(chars: frozenset[str]) -> list[str]:
    return sorted(chars)
