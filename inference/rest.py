"""What is left to be made of a request whose beginning is written."""

from dataclasses import dataclass

from inference.errors import EngineError
from inference.request import Request, rough_tokens
from inference.verse.forms import pattern
from inference.verse.shape import NoSuchBeginning


@dataclass(frozen=True, slots=True)
class Rest:
    """`prefill` is what the model is shown as its own words; after it come `skip`, to be dropped if it does, and the
    rest, of `pattern` if there is one and at most `tokens` long. `nothing` says that the text is whole."""

    prefill: str
    skip: str
    pattern: str
    tokens: int
    nothing: bool = False


def rest_of(request: Request) -> Rest:
    """What an engine has to do; raises if no text of the form begins like what is written."""
    written, constraint = request.written, request.sampling.get("constraint")
    tokens = max(16, request.sampling["max_tokens"] - rough_tokens(written) * bool(written))
    if constraint is None:
        # A token begins with its space: after a lone one the model would write a second, or half a word.
        prefill = written.removesuffix(" ")
        return Rest(prefill, written[len(prefill) :], "", tokens)
    try:
        follows = pattern(constraint["form"], written, constraint["language"])
    except NoSuchBeginning as error:
        raise EngineError("engine_broken", "what is written has not the form", retryable=False) from error
    return Rest(written, "", follows, tokens, nothing=not follows)
