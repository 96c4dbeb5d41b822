"""Nodes for the keeper's tests: a fake engine that takes adapters at its start only, and adapters that it can read."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors.numpy import save_file

from inference.engines import ENGINES
from inference.engines.base import Launch, Plan, Traits
from inference.engines.fake import Fake
from writingapp import db
from writingapp.keeper import Keeper
from writingapp.models import Adapter, EngineNode
from writingapp.tending import Patience

KIND = "starter"
BASE = "the-base"
QUICK = Patience(look=0.05, hung=3.0, stop=3.0, heard=0.3, drain=20.0, rest=0.3)
PROBE = [{"role": "user", "content": "湖"}]


class Starter(Fake):
    """A fake whose plan's model is a word for how it behaves: `noop`, or `dies`."""

    traits = Traits(constrains=True, adapts=True, loads=False, measures=True)

    def launch(self, plan: Plan) -> Launch:
        argv = [sys.executable, "-m", "inference.engines.fake", "--host", plan.host, "--port", str(plan.port)]
        argv += ["--rate", "25"]
        argv += [word for each in plan.adapters for word in ("--adapter", f"{each.name}={each.folder}")]
        argv += ["--noop"] if plan.model == "noop" else []
        argv += ["--no-such-flag"] if plan.model == "dies" or (plan.model == "alone" and plan.adapters) else []
        return Launch(tuple(argv), ready_within=20)


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, KIND, Starter())


@asynccontextmanager
async def keeping(patience: Patience = QUICK) -> AsyncIterator[None]:
    """A keeper that runs meanwhile."""
    task = asyncio.create_task(Keeper(patience).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def put(name: str = "one", kind: str = KIND, **said: Any) -> EngineNode:
    said = {"plan": {"model": "well"}, "model": BASE, "managed": True} | said
    return await db.run(EngineNode.objects.create, name=name, kind=kind, **said)


async def row(name: str = "one") -> EngineNode:
    return await db.run(EngineNode.objects.get, pk=name)


async def adapter(name: str, folder: Path, state: str = "serving", by: float = 0.5) -> Adapter:
    """A folder as PEFT writes one, with a reference that the fake engine takes for its orders."""
    own = folder / name
    own.mkdir()
    halves = {"A": np.ones((1, 4), np.float32), "B": np.ones((4, 1), np.float32)}
    place = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    save_file({place.format(half): value for half, value in halves.items()}, own / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": ["q_proj"], "bias": "none"}
    (own / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    probe = {"messages": PROBE, "base": {"湖": -1.0, "山": -1.5}, "adapter": {"湖": -1.0 - by, "山": -1.5 - by}}
    (own / "reference.json").write_text(json.dumps({"format": 1, "probes": [probe]}), encoding="utf-8")
    return await db.run(Adapter.objects.create, name=name, digest=name, folder=str(own), base=BASE, rank=1, state=state)


def listener(url: str) -> psutil.Process:
    """The process that listens at an address."""
    port = int(url.rpartition(":")[2])
    for process in psutil.Process().children(recursive=True):
        if any(each.laddr.port == port and each.status == "LISTEN" for each in process.net_connections("tcp")):
            return process
    raise LookupError(url)
