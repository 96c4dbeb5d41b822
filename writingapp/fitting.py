"""Nodes are fitted with the adapters that the registry wants, and each is proved there before a text may ask for it.

A node that was restarted has forgotten its adapters; whatever it lists is compared with the rows, again and again. One
process at a time fits a node. Engines that take adapters only at their start are the keeper's to replace; where they
run by themselves, what they were started with is proved, and nothing can be added.
"""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from django.db.models import Q

from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Node
from inference.proof import prove
from writingapp import db
from writingapp.models import EngineNode
from writingapp.services import adapters, nodes

logger = logging.getLogger(__name__)

HOLD = timedelta(minutes=5)  # longest that a fitting may take before another process may try
AGAIN = timedelta(minutes=10)  # an adapter that failed its proof is tried again after so long


async def fit_all(now: datetime) -> None:
    """Fit every node that can be asked from here and that no keeper fits."""
    async with aiohttp.ClientSession() as http:
        for name in await db.run(_fittable):
            try:
                await fit(http, name, now)
            except Exception as fault:  # the others are fitted whatever happens at this one
                logger.exception("node %s is not fitted: %s", name, type(fault).__name__)


def _fittable() -> list[str]:
    rows = [(row, engine(row.kind).traits) for row in nodes.reachable()]
    return [row.name for row, traits in rows if traits.loads or (traits.adapts and not row.managed)]


async def fit(http: aiohttp.ClientSession, name: str, now: datetime) -> None:
    """Make one node list what is wanted and nothing else of ours; what it cannot do is noted in its row."""
    row = await db.run(_hold, name, now)
    if row is None:
        return
    node, told = nodes.node_of(row), dict(row.adapters)
    try:
        told = await _fit(http, node, told, await db.run(adapters.wanted, base=row.model), now)
    except EngineError as fault:
        logger.info("node %s cannot be fitted now (%s)", name, fault)
        if fault.code != "engine_timeout":  # it is away: what it had is not served, and it is asked again soon
            told = {adapter: each for adapter, each in told.items() if each["state"] == "failed"}
    finally:
        await db.run(_let_go, name, told)


def _hold(name: str, now: datetime) -> EngineNode | None:
    free = Q(fitting_until=None) | Q(fitting_until__lt=now)
    held = EngineNode.objects.filter(free, pk=name).update(fitting_until=now + HOLD)
    return EngineNode.objects.get(pk=name) if held else None


def _let_go(name: str, told: dict[str, Any]) -> None:
    EngineNode.objects.filter(pk=name).update(fitting_until=None, adapters=told)


async def _fit(
    http: aiohttp.ClientSession, node: Node, told: dict[str, Any], wanted: list[AdapterFiles], now: datetime
) -> dict[str, Any]:
    listed = await engine(node.kind).adapters(http, node)
    if engine(node.kind).traits.loads:
        # What the row still names may be asked for until the workers have read it anew: it goes at the next fitting.
        ours = await db.run(adapters.names) - {adapter.name for adapter in wanted} - set(told)
        for gone in sorted((listed & ours) | await db.run(adapters.left_by_gates, listed)):
            await engine(node.kind).unload(http, node, gone)
    else:
        wanted = [adapter for adapter in wanted if adapter.name in listed]
    fresh: dict[str, Any] = {}
    for adapter in wanted:
        before = told.get(adapter.name)
        if before and _stands(before, listed=adapter.name in listed, now=now):
            fresh[adapter.name] = before
        else:
            fresh[adapter.name] = await _load(http, node, adapter, now)
    return fresh


def _stands(before: dict[str, Any], *, listed: bool, now: datetime) -> bool:
    if before["state"] == "proved":
        return listed
    return now - datetime.fromisoformat(before["at"]) < AGAIN


async def _load(http: aiohttp.ClientSession, node: Node, adapter: AdapterFiles, now: datetime) -> dict[str, Any]:
    """Load it, where that can be done, and prove that it took effect; one that did not is dropped again: a silent no-op
    is a failed load.
    """
    told, loads = {"at": now.isoformat()}, engine(node.kind).traits.loads
    try:
        if loads:
            await engine(node.kind).load(http, node, adapter)
        proof = await prove(http, node, adapter)
    except EngineError as fault:
        logger.warning("node %s: adapter %s was not loaded (%s)", node.name, adapter.name, fault)
        return told | {"state": "failed", "why": fault.code}
    if not proof.took:
        logger.warning("node %s: adapter %s took no proper effect (%s)", node.name, adapter.name, proof.why)
        if loads:
            await engine(node.kind).unload(http, node, adapter.name)
    else:
        logger.info("node %s serves adapter %s", node.name, adapter.name)
    return told | asdict(proof) | {"state": "proved" if proof.took else "failed"}
