"""Texts drawn evenly from what a shape allows, with no model between."""

import random
from functools import cache

from inference.verse.shape import EMPTY, Chars, Row, Shape, after, heads, may_end


def spelled(shape: Shape, seed: int) -> str:
    """Some text of this shape, as long as it may be."""
    dice = random.Random(seed)
    if isinstance(shape, Row) and all(isinstance(part, Chars) for part in shape.parts):  # the same, without detours
        return "".join(dice.choice(_ordered(heads(part))) for part in shape.parts)
    said = ""
    while shape != EMPTY and (steps := _ordered(heads(shape))):
        char = dice.choice(steps)
        said, shape = said + char, after(shape, char)
    assert may_end(shape)
    return said


@cache
def _ordered(chars: frozenset[str]) -> list[str]:
    return sorted(chars)
