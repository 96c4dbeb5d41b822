"""近体诗 as a family of forms: made by metre.py, judged by check.py."""

from typing import Any

from inference.verse import metre, plain, shape
from inference.verse.characters import HAN, LEANING
from inference.verse.held import Held
from inference.verse.judging import right
from inference.verse.metre import Tune
from inference.verse.registry import FORMS
from inference.verse.shape import Shape


def draw(held: Held, wish: str, seed: str) -> dict[str, Any]:
    return metre.draw(*_size(held), wish, seed, held.options).drawn()


def follow(held: Held, written: str) -> Shape:
    tune = Tune.of(held)
    if tune is None:  # a row from before there were tunes is finished as it was begun
        return shape.follow(plain.couplets(*_size(held)), written)
    return metre.follow(*_size(held), tune, written)


def instead(held: Held, poem: str, at: int) -> Shape:
    lines = poem.split("\n")
    bare = lines[at].rstrip(plain.MARKS)
    mark = shape.text(lines[at][len(bare) :])
    tune = Tune.of(held)
    if tune is None:
        return shape.row(shape.unlike(plain.line_of(len(bare)), [bare[0]]), mark)
    tune = metre.tune_of(*_size(held), tune, poem)
    return shape.row(metre.instead(*_size(held), tune, lines, at), mark)


def conforms(held: Held, text: str) -> bool:
    lines, (_, characters) = text.split("\n"), _size(held)
    known = {*HAN, *held.options.named()}
    laid_out = all(
        line[-1:] == "，。"[place % 2] and len(line) == characters + 1 and set(line[:-1]) <= known
        for place, line in enumerate(lines)
    )
    return laid_out and all(line[-2] not in LEANING for line in lines) and right(held.form, text, held.options)


def _size(held: Held) -> tuple[int, int]:
    form = FORMS[held.form]
    return form.lines or 0, form.characters or 0
