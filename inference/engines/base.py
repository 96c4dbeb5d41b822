"""The one shape every engine has."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

import aiohttp

from inference.errors import Code, EngineError
from inference.request import Request
from inference.sse import Piece

__all__ = ["Code", "Engine", "EngineError", "Health", "Node", "Piece"]


@dataclass(frozen=True, slots=True)
class Node:
    """One running endpoint. `capacity` is how many candidates it makes well at once."""

    name: str
    kind: str
    url: str
    key: str = ""
    model: str = ""
    capacity: int = 2


@dataclass(frozen=True, slots=True)
class Health:
    """How a node is. `progress` runs from 0 to 1 while it loads; None is "unknown", as is a `running` of None."""

    state: Literal["ready", "loading", "down"]
    progress: float | None = None
    running: int | None = None


class Engine(Protocol):
    """Talks to one kind of server."""

    def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """The text as it is made, what follows `request.written` only. Ends with one finished piece or an EngineError.

        Closing it (`contextlib.aclosing`) closes the connection at once, so that the engine stops working.
        """
        ...

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """Read what is likely to be asked, so that its first text comes sooner; never raises, may do nothing."""
        ...

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """How the node is now; never raises."""
        ...
