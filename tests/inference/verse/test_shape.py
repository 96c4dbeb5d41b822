"""Shapes beside Python's regular expressions."""

import os
import re
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.verse.shape import (
    EMPTY,
    NOTHING,
    NoSuchBeginning,
    Shape,
    either,
    follow,
    may_end,
    maybe,
    one_of,
    only,
    row,
    run,
    text,
    unlike,
)

AB, BC, AC = one_of("ab"), one_of("bc"), one_of("ac")
SHAPES = {
    "(?:a|ab|cb)[bc]{0,2}": row(either(one_of("a"), text("ab"), text("cb")), run(BC, 0, 2)),
    "[ab]{1,3}c?": row(run(AB, 1, 3), maybe(one_of("c"))),
    "(?:[ab]{2}){0,2}": run(run(AB, 2, 2), 0, 2),
    "[ac]?[ab]?[bc]?": row(maybe(AC), maybe(AB), maybe(BC)),
}
PRINT = "from inference.verse import plain, shape; print(*map(shape.lark, plain.SHAPES.values()))"
some = st.text(st.sampled_from("abc"), max_size=5)


def has(shape: Shape, written: str) -> bool:
    try:
        return may_end(follow(shape, written))
    except NoSuchBeginning:
        return False


@pytest.mark.parametrize("pattern", SHAPES)
@given(written=some)
def test_a_shape_is_had_by_what_its_pattern_matches(pattern: str, written: str) -> None:
    assert has(SHAPES[pattern], written) == bool(re.fullmatch(pattern, written))


@pytest.mark.parametrize("pattern", SHAPES)
@given(written=some, beginnings=st.lists(st.text(st.sampled_from("abc"), max_size=3), max_size=3))
def test_unlike_takes_away_what_has_some_beginning_and_nothing_else(
    pattern: str, written: str, beginnings: list[str]
) -> None:
    wanted = bool(re.fullmatch(pattern, written)) and not written.startswith(tuple(beginnings))
    assert has(unlike(SHAPES[pattern], beginnings), written) == wanted


@pytest.mark.parametrize("pattern", SHAPES)
@given(written=some)
def test_what_must_follow_is_the_one_thing_that_may(pattern: str, written: str) -> None:
    ends = [words for length in range(5) for words in map("".join, product("abc", repeat=length))]
    try:
        left = follow(SHAPES[pattern], written)
    except NoSuchBeginning:
        return
    may = [words for words in ends if re.fullmatch(pattern, written + words)]
    assert only(left) == (may[0] if len(may) == 1 else None)


@pytest.mark.parametrize(
    ("shape", "said"),
    [(EMPTY, ""), (NOTHING, None), (text("ab"), "ab"), (run(text("ab"), 2, 2), "abab"), (maybe(text("a")), None)],
)
def test_of_a_shape_with_one_text_it_is_known(shape: Shape, said: str | None) -> None:
    assert only(shape) == said


def test_every_process_writes_a_shape_alike() -> None:
    """A text that one worker began is gone on with by another, and an engine keeps what it has read of a grammar."""
    said = [
        subprocess.run([sys.executable, "-c", PRINT], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True)
        for seed in ("1", "2")
    ]
    assert all(each.returncode == 0 and each.stdout for each in said)
    assert said[0].stdout == said[1].stdout
