"""What a keeper reads of the nodes of its host, and what it writes of them."""

import socket
from pathlib import Path
from typing import Any, Literal

from django.db.models import Q
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.engines import ENGINES, engine
from inference.engines.base import AdapterFiles
from writingapp.keys import key
from writingapp.models import EngineNode
from writingapp.services import adapters


class Planned(BaseModel):
    """`EngineNode.plan`: what a keeper needs to start a node; see `inference.engines.base.Plan`.

    `port` is its first; a replacement takes any that is free. `replace` tells whether that is started beside the old
    one, or after it, where memory holds only one. `python` is of the environment that holds the engine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(default="", max_length=1000)
    port: int | None = Field(default=None, ge=1, le=65535)
    python: Path | None = None
    threads: int = Field(default=0, ge=0, le=1024)
    context: int = Field(default=2048, ge=256)
    most_adapters: int = Field(default=3, ge=1, le=64)
    rank: int = Field(default=64, ge=1, le=512)
    quantisation: str = Field(default="", max_length=40)
    tensor_parallel: int = Field(default=1, ge=1, le=64)
    replace: Literal["beside", "after"] = "beside"


class Wish(BaseModel):
    """A node as it should run. Two equal wishes want the same process; the first adapter is the one that serves."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    kind: str
    model: str
    capacity: int
    key: str = Field(repr=False)
    planned: Planned
    adapters: tuple[AdapterFiles, ...] = ()


class BadPlan(ValueError):
    """A row that cannot be kept; the message says which field and why."""


def wishes() -> dict[str, Wish | BadPlan]:
    """The managed nodes of this host, by name; a row that cannot be understood does not harm the others."""
    here = Q(host="") | Q(host=socket.gethostname())
    rows = EngineNode.objects.filter(here, managed=True).exclude(state=EngineNode.State.OFF)
    return {row.name: _wish(row) for row in rows}


def _wish(row: EngineNode) -> Wish | BadPlan:
    try:
        if row.kind not in ENGINES:
            return BadPlan(f"kind: there is no engine {row.kind}")
        planned = Planned.model_validate(row.plan)
        if not planned.model and row.kind != "fake":
            return BadPlan("plan.model: which model?")
    except ValidationError as fault:
        first = fault.errors()[0]
        return BadPlan(f"plan.{'.'.join(map(str, first['loc'])) or 'plan'}: {first['msg']}")
    traits = engine(row.kind).traits
    files = adapters.wanted(base=row.model) if traits.adapts and not traits.loads else []
    return Wish(
        name=row.name,
        kind=row.kind,
        model=row.model,
        capacity=row.capacity,
        key=key(row.secret),
        planned=planned,
        adapters=tuple(files[: planned.most_adapters]),
    )


def say(*, name: str, url: str, adapters: dict[str, Any]) -> None:
    """Where the node answers from now on, and which adapters were proved there."""
    EngineNode.objects.filter(pk=name).update(url=url, adapters=adapters)


def gone(*, name: str) -> None:
    """Nothing answers for the node any more."""
    EngineNode.objects.filter(pk=name).update(url="", adapters={}, health="down")
