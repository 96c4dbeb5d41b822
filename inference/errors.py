"""What can go wrong between us and an engine, as one small set of codes."""

from typing import Literal

Code = Literal["engine_down", "engine_loading", "engine_refused", "engine_timeout", "engine_broken", "too_long"]

RETRYABLE: frozenset[Code] = frozenset({"engine_down", "engine_loading", "engine_timeout", "engine_broken"})


class EngineError(Exception):
    """An engine did not do what was asked. `detail` is for logs: a status or a name, never a text of the writer's."""

    def __init__(self, code: Code, detail: str = "", *, retryable: bool | None = None) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.retryable = code in RETRYABLE if retryable is None else retryable
