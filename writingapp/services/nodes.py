"""The engines' nodes as rows: what the settings say of them, and what an operator changes while the house runs."""

import logging
import socket
import tomllib
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from inference.engines import ENGINES
from inference.engines.base import Node
from inference.sse import Limits
from writingapp.keys import key
from writingapp.models import EngineNode

logger = logging.getLogger(__name__)

State, Origin = EngineNode.State, EngineNode.Origin

HERE = socket.gethostname()[:100]  # as rows name it; read once, for some machines change theirs with the network
EMBEDDED = "embedded"  # the node that a house without any other runs itself
SAID = frozenset({"name", "kind", "url", "secret", "model", "capacity", "weight", "managed", "host", "plan", "sees"})


class BadNode(ValueError):
    """A node that cannot be; the message says which field and why."""


@transaction.atomic
def sync(*, model: Path | None = None) -> list[EngineNode]:
    """Make the rows that the settings describe as they describe them; rows that they no longer name are let go.

    `model` is the embedded engine's file, which its keeper alone knows. Whose settings name no engine and who has no
    such file (the embedded engine's worker, or a process of another host that was not told) leaves all rows as they
    are. What an operator added by hand is not touched, nor whether he drains a node. Raises BadNode.
    """
    ours = EngineNode.objects.filter(origin=Origin.SETTINGS)
    if not (settings.ENGINE_NODES or settings.ENGINE_URL or model):
        return list(ours)
    described = _from_file(Path(settings.ENGINE_NODES)) if settings.ENGINE_NODES else [_the_one(model)]
    rows = [put(origin=Origin.SETTINGS, **each) for each in described]
    for row in ours.exclude(pk__in=[row.pk for row in rows]):
        logger.warning("node %s is let go: the settings no longer name it", row.name)
        row.delete()
    return rows


@transaction.atomic
def put(*, name: str, origin: str = Origin.HAND, **said: Any) -> EngineNode:
    """Make or change a node. Raises BadNode."""
    unknown = sorted(set(said) - SAID)
    if unknown:
        raise BadNode(f"{name}: there is no field {unknown[0]}")
    row = EngineNode.objects.select_for_update().filter(pk=name).first() or EngineNode(name=name)
    before = {field: getattr(row, field) for field in said}
    if not row._state.adding and before == said and row.origin == origin:
        return row  # no write: every process of the house begins by this
    for field, value in said.items():
        setattr(row, field, value)
    row.origin = origin
    _check(row)
    row.save()
    return row


def _check(row: EngineNode) -> None:
    try:
        row.full_clean(exclude=["origin", "state"])
    except OverflowError as fault:  # a file may say `capacity = inf`
        raise BadNode(f"{row.name}: {fault}") from fault
    except ValidationError as fault:
        field, words = next(iter(fault.message_dict.items()))
        raise BadNode(f"{row.name}: {field}: {words[0]}") from fault
    if row.kind not in ENGINES:
        raise BadNode(f"{row.name}: kind: one of {', '.join(sorted(ENGINES))}, not {row.kind}")
    if not row.managed and not row.url:
        raise BadNode(f"{row.name}: url: an external node needs an address")
    if row.sees and not ENGINES[row.kind].traits.sees:
        raise BadNode(f"{row.name}: sees: no {row.kind} node reads pictures")
    if not isinstance(row.plan, dict):
        raise BadNode(f"{row.name}: plan: a table")


def _the_one(model: Path | None) -> dict[str, Any]:
    """ENGINE_URL and its companions; without them the embedded engine."""
    said = {"kind": settings.ENGINE_KIND, "capacity": settings.ENGINE_CAPACITY, "secret": "ENGINE_KEY"}
    sees = {"sees": settings.ENGINE_SEES}
    if settings.ENGINE_URL:
        return said | {"name": settings.ENGINE_KIND, "url": settings.ENGINE_URL, "model": settings.MODEL} | sees
    plan: dict[str, Any] = {"port": settings.EMBEDDED_ENGINE_PORT, "model": str(model)}
    return said | {"name": EMBEDDED, "kind": "llamacpp", "model": settings.MODEL, "managed": True, "plan": plan}


def _from_file(path: Path) -> list[dict[str, Any]]:
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8")).get("node", [])
    except (OSError, ValueError) as fault:  # not there, not TOML, or not even UTF-8
        raise BadNode(f"ENGINE_NODES={path}: {fault}") from fault
    if not isinstance(described, list) or not all(isinstance(each, dict) and each.get("name") for each in described):
        raise BadNode(f"ENGINE_NODES={path}: a [[node]] table with a name for each node")
    if unknown := sorted({field for each in described for field in each} - SAID):
        raise BadNode(f"ENGINE_NODES={path}: there is no field {unknown[0]}")
    return described


def turn(*, name: str, state: str) -> EngineNode:
    """Drain a node, switch it off, or let it work again. Raises BadNode."""
    if not EngineNode.objects.filter(pk=name).update(state=State(state)):
        raise BadNode(f"{name}: there is no such node")
    return EngineNode.objects.get(pk=name)


def remove(*, name: str) -> None:
    """Forget a node; what it is making ends there. Raises BadNode."""
    if not EngineNode.objects.filter(pk=name).delete()[0]:
        raise BadNode(f"{name}: there is no such node")


def standing() -> list[Node]:
    """The nodes that workers of this host may use, as `inference` knows them."""
    return [node_of(row) for row in reachable()]


def reachable() -> list[EngineNode]:
    """The nodes that can be asked from this host; a managed one from when its keeper has started it."""
    return [row for row in EngineNode.objects.exclude(state=State.OFF).exclude(url="") if is_near(row)]


def is_near(row: EngineNode) -> bool:
    """Whether its address means the same here: what a keeper of another host has on loopback there is not here."""
    return not row.managed or row.keeper in ("", HERE) or not _on_loopback(row.url)


def takes(row: EngineNode) -> bool:
    """Whether the house can bring adapters to it: while it runs, or by its keeper, who starts it anew."""
    traits = ENGINES[row.kind].traits
    return traits.loads or (row.managed and traits.adapts)


def taking() -> list[EngineNode]:
    """Those of the house that adapters can be brought to, be they away for the moment."""
    return [row for row in EngineNode.objects.exclude(state=State.OFF) if takes(row)]


def _on_loopback(url: str) -> bool:
    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def node_of(row: EngineNode) -> Node:
    """A row as `inference` knows it, with its key and the adapters proved there."""
    proved = frozenset(name for name, told in row.adapters.items() if told.get("state") == "proved")
    return Node(
        name=row.name,
        kind=row.kind,
        url=row.url.rstrip("/"),
        key=key(row.secret),
        model=row.model,
        capacity=row.capacity,
        weight=row.weight,
        adapters=proved,
        draining=row.state == State.DRAINING,
        sees=row.sees,
        limits=Limits(first=settings.ENGINE_FIRST_SECONDS, between=settings.ENGINE_BETWEEN_SECONDS),
    )


def capacity() -> int:
    """How many texts all active nodes make well at once; at least one."""
    return sum(EngineNode.objects.filter(state=State.ACTIVE).values_list("capacity", flat=True)) or 1


def any_sees() -> bool:
    """Whether a photograph can be looked at by a model that reads pictures."""
    return EngineNode.objects.filter(state=State.ACTIVE, sees=True).exclude(url="").exists()


def seen(*, name: str, health: str, now: datetime) -> None:
    """Note how a node was when it was last looked at."""
    EngineNode.objects.filter(pk=name).update(health=health, seen_at=now)
