"""The one shape every engine has."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import aiohttp

from inference.errors import Code, EngineError
from inference.request import Request
from inference.sse import Limits, Piece

__all__ = ["AdapterFiles", "Code", "Engine", "EngineError", "Health", "Launch", "Node", "Piece", "Plan", "Traits"]


@dataclass(frozen=True, slots=True)
class Node:
    """One running endpoint. `capacity` is how many candidates it makes well at once, `weight` how much it is favoured
    among equals; `adapters` are those proved to take effect there. A draining node ends what it has and gets no more.
    The model of one that `sees` reads pictures.
    """

    name: str
    kind: str
    url: str
    key: str = ""
    model: str = ""
    capacity: int = 2
    weight: float = 1.0
    adapters: frozenset[str] = frozenset()
    draining: bool = False
    sees: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Health:
    """How a node is. `progress` runs from 0 to 1 while it loads. None is "unknown", as it is for `running` (texts being
    made) and `waiting` (asks that it has taken and not begun).
    """

    state: Literal["ready", "loading", "down"]
    progress: float | None = None
    running: int | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What an engine can do; whoever asks for more gets an EngineError."""

    constrains: bool = False  # holds a shape while it writes
    adapts: bool = False  # serves adapters that it was started with
    loads: bool = False  # takes and drops adapters while it runs
    measures: bool = False  # tells log-probabilities
    sees: bool = False  # reads pictures
    listens: bool = False  # at an address that other hosts reach, asking them for its key


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """An adapter as it lies on disk: a PEFT folder, read-only. Its name is never given to another."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """A node to be started on this machine. `python` is the interpreter of the environment that holds the engine.

    `model` is a path or a hub's name; `served` is what requests call it. `quantisation` is the engine's own word.
    """

    python: Path
    model: str
    port: int
    served: str = ""
    host: str = "127.0.0.1"  # where it listens, and is reached
    devices: str = ""  # the GPUs that it may see, in CUDA's words; empty: all
    key: str = ""
    threads: int = 0  # 0: the engine decides
    capacity: int = 2
    context: int = 2048  # tokens of prompt and answer together
    adapters: tuple[AdapterFiles, ...] = ()
    most_adapters: int = 3  # the serving one, the one before, a challenger
    rank: int = 64  # the highest of any adapter
    quantisation: str = ""
    cold: bool = False  # no prompt is computed before it is asked for: no writer waits for this node
    tensor_parallel: int = 1  # GPUs that share one copy of the model


@dataclass(frozen=True, slots=True)
class Launch:
    """The process to start; `environment` holds the key, which a command line would show. See `inference.children`."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_within: float = 600.0  # seconds


class Engine(Protocol):
    """Talks to one kind of server."""

    traits: Traits

    def launch(self, plan: Plan) -> Launch:
        """How to start a node of this kind."""
        ...

    def stream(self, http: aiohttp.ClientSession, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        """The text as it is made, what follows `request.written` only. Ends with one finished piece or an EngineError.

        Closing it (`contextlib.aclosing`) stops the work in the engine, not only our listening to it.
        """
        ...

    async def read_ahead(self, http: aiohttp.ClientSession, node: Node, request: Request) -> None:
        """Read what is likely to be asked, so that its first text comes sooner; never raises, may do nothing."""
        ...

    async def health(self, http: aiohttp.ClientSession, node: Node) -> Health:
        """How the node is now, and how loaded; never raises."""
        ...

    async def adapters(self, http: aiohttp.ClientSession, node: Node) -> frozenset[str]:
        """The names of the adapters that the node says it serves."""
        ...

    async def load(self, http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles) -> None:
        """Load an adapter under its own name; loading one that is there already is no error."""
        ...

    async def unload(self, http: aiohttp.ClientSession, node: Node, name: str) -> None:
        """Drop an adapter; dropping one that is not there is no error."""
        ...

    async def measure(
        self, http: aiohttp.ClientSession, node: Node, messages: list[dict[str, str]], adapter: str = ""
    ) -> dict[str, float]:
        """Natural log-probabilities of the likeliest first tokens of the answer, by their text, before any sampling."""
        ...
