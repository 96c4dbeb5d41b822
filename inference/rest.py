"""What is left to be made of a request whose beginning is written."""

import re
from dataclasses import dataclass
from typing import Any

from inference.errors import EngineError
from inference.request import Request, rough_tokens
from inference.verse import shape as shapes
from inference.verse.forms import follow, instead
from inference.verse.held import Held
from inference.verse.shape import EMPTY, NoSuchBeginning, Shape, row, text

_AGAIN = re.compile(r"(?: ?[A-Za-z']+| )\Z")  # at an end: a word, perhaps half of one, or the space before it


@dataclass(frozen=True, slots=True)
class Rest:
    """`messages` end in the model's own words where it goes on from some; `skip` is dropped if the answer begins so.

    What follows has `shape` and is at most `tokens` long; `nothing` says that the text is whole.
    """

    messages: list[dict[str, str]]
    skip: str
    shape: Shape
    tokens: int
    nothing: bool = False


def rest_of(request: Request, *, held: bool = True) -> Rest:
    """What an engine has to do; raises if no text of the form begins like what is written.

    One that is `held` to a shape says an English word at the end again: models write words whole, and after "the wo"
    a new line may be as likely as the rest of it.
    """
    written, constraint = request.written, request.sampling["constraint"]
    try:
        shape = _shape(constraint, written)
    except NoSuchBeginning as error:
        raise EngineError("engine_broken", "what is written has not the form", retryable=False) from error
    messages, said = list(request.messages), ""
    if messages[-1]["role"] == "assistant":
        said = messages.pop()["content"]
    # After a word a model writes the space and the next word as one token, so the space is its to write.
    space = " " if said[-1:].isascii() and said[-1:].strip() else ""
    last = _AGAIN.search(space + written)
    again = last[0] if last and (held or not written) else ""
    before = (said + space + written).removesuffix(again)
    if before:
        messages.append({"role": "assistant", "content": before})
    tokens = max(16, request.sampling["max_tokens"] - rough_tokens(before[len(said) :]))
    return Rest(messages, again, row(text(again), shape), tokens, nothing=shape == EMPTY)


def _shape(constraint: dict[str, Any], written: str) -> Shape:
    """What may follow `written`: in a poem of its own, or in the line of another that it takes the place of."""
    held, of = Held.of(constraint), constraint.get("instead")
    if of:
        return shapes.follow(instead(held, of["poem"], of["line"]), written)
    return follow(held, written)
