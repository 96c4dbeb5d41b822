"""An engine on the stand: started for the conformance suite, with what the suite needs to look inside it.

A stand is real (the engine's own server runs here) or a stand-in (a server of ours that behaves as its source says).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from inference.engines.base import AdapterFiles, Node
from inference.sse import Limits


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
    # What of the suite it cannot do, and why; quoted in the docs. The suite knows "seed" (it does not repeat a text),
    # "model" (it takes any name), "picture" (its model reads none), "unloaded" (it answers all the same), "loading"
    # (that it loads is not seen), and "real" (why it is a stand-in).
    notes: dict[str, str] = field(default_factory=dict)


CHAT = [{"role": "user", "content": "湖"}]  # what the suite measures by: short, for some read slowly with an adapter
KINDS = tuple(sorted(path.stem.removeprefix("stand_") for path in Path(__file__).parent.glob("stand_*.py")))
PATIENT = Limits(first=300, between=120, whole=500)  # the suite is about what an engine does, not how fast it is here
HEAVY = {"vllm", "transformers"}  # take a minute and more to start: `make test-engines` alone runs them
REAL = {"llamacpp"} | HEAVY  # run the model
