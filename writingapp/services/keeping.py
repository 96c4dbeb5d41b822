"""What a keeper reads of the nodes of its host, and what it writes of them."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal

from django.db.models import Q, QuerySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from inference.engines import ENGINES, engine
from inference.engines.base import AdapterFiles
from writingapp.keys import key
from writingapp.models import EngineNode
from writingapp.services import adapters, nodes

LEASE = timedelta(seconds=60)  # for so long no other keeper takes the nodes of one that is not heard of
GONE: dict[str, Any] = {"url": "", "adapters": {}, "health": "down", "keeper": "", "kept_until": None}


class Planned(BaseModel):
    """`EngineNode.plan`: what a keeper needs to start a node; see `inference.engines.base.Plan`.

    `port` is its first; a replacement takes any that is free. `replace` tells whether that is started beside the old
    one, or after it, where memory holds only one: on GPUs of its own, unless it says otherwise. `address` is of this
    host, and workers of others need one that they reach. `python` is of the environment that holds the engine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(default="", max_length=1000)
    address: IPv4Address = IPv4Address("127.0.0.1")
    port: int | None = Field(default=None, ge=1, le=65535)
    python: Path | None = None
    threads: int = Field(default=0, ge=0, le=1024)
    context: int = Field(default=2048, ge=256)
    most_adapters: int = Field(default=3, ge=1, le=64)
    rank: int = Field(default=64, ge=1, le=512)
    quantisation: str = Field(default="", max_length=40)
    tensor_parallel: int = Field(default=1, ge=1, le=64)
    devices: str = Field(default="", max_length=300, pattern=r"^[A-Za-z0-9,:/-]*$")
    replace: Literal["", "beside", "after"] = ""

    @field_validator("address")
    @classmethod
    def _is_private(cls, address: IPv4Address) -> IPv4Address:
        if address.is_global or address.is_unspecified or address.is_multicast:
            raise ValueError("a private address of this host: no engine may be public")
        return address

    @property
    def one_at_a_time(self) -> bool:
        """Whether a replacement waits for the end of the old one. Room on a GPU is not seen from here."""
        return self.replace == "after" or (not self.replace and bool(self.devices))


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


def claim(*, now: datetime) -> None:
    """Take what is meant for this host, and of what any host may keep what no living keeper has; keep what we have."""
    free = Q(keeper="") | Q(keeper=nodes.HERE) | Q(kept_until__lt=now)
    ours = Q(host=nodes.HERE) | Q(host="") & free
    due = ~Q(keeper=nodes.HERE) | Q(kept_until__lt=now + LEASE / 2)
    rows = EngineNode.objects.filter(ours & due, managed=True).exclude(state=EngineNode.State.OFF)
    if rows.exists():  # mostly not, and then nobody waits for a write
        rows.update(keeper=nodes.HERE, kept_until=now + LEASE)


def wishes() -> dict[str, Wish | BadPlan]:
    """The nodes that this keeper has claimed, by name; a row that cannot be understood does not harm the others."""
    rows = _ours().filter(host__in=("", nodes.HERE)).exclude(state=EngineNode.State.OFF)
    return {row.name: _wish(row) for row in rows}


def _ours() -> QuerySet[EngineNode]:
    return EngineNode.objects.filter(managed=True, keeper=nodes.HERE)


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
    if not planned.address.is_loopback:
        if not traits.listens:
            return BadPlan(f"plan.address: {row.kind} listens on loopback only")
        if not key(row.secret):
            return BadPlan("secret: whoever listens beyond loopback asks for a key")
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
    _ours().filter(pk=name).update(url=url, adapters=adapters)


def gone(*, name: str) -> None:
    """Nothing of ours answers for the node any more, and another keeper may have it."""
    _ours().filter(pk=name).update(**GONE)


def leave() -> None:
    """This keeper ends."""
    _ours().update(**GONE)
