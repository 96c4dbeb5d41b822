"""What can go wrong between us and an engine, as one small set of codes."""

from typing import Literal

Code = Literal[
    "engine_down",  # nobody answers
    "engine_loading",  # it is not ready yet
    "engine_busy",  # it takes nothing more for the moment
    "engine_refused",  # it says no to this ask
    "engine_timeout",  # it is silent
    "engine_broken",  # it broke off, or said something impossible
    "not_served",  # it does not know the model or the adapter asked for
    "too_long",  # more than it can read
]

RETRYABLE: frozenset[Code] = frozenset(
    {"engine_down", "engine_loading", "engine_busy", "engine_timeout", "engine_broken", "not_served"}
)


class EngineError(Exception):
    """An engine did not do what was asked. `detail` is for logs: a status or a name, never a text of the writer's."""

    def __init__(self, code: Code, detail: str = "", *, retryable: bool | None = None) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retryable = code in RETRYABLE if retryable is None else retryable
