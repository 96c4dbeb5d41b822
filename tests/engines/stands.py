"""An engine on the stand: started for the conformance suite, with what the suite needs to look inside it.

A stand is real (the engine's own server runs here) or a stand-in (a server of ours that behaves as its source says).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from inference.engines.base import AdapterFiles, Node


@dataclass(frozen=True)
class Stand:
    """`running` asks the server itself how many texts it is making. `first` and `second` are two adapters of rank 64
    that change what the model says; None where this engine cannot serve any. `restart` ends the server without a
    word and starts it again as it was first started.
    """

    node: Node
    real: bool
    running: Callable[[], int]
    restart: Callable[[], None]
    first: AdapterFiles | None = None
    second: AdapterFiles | None = None
    log: Path | None = None
    notes: dict[str, str] = field(default_factory=dict)  # what of the suite it cannot do, and why: quoted in the docs
