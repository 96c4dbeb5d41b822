"""The keeper as a process of its own: killed, doubled, stopped; and the real engine replaced under a writer's text."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from inference.engines import engine
from inference.engines.base import Node, Piece
from inference.verse.forms import conforms
from tests.engines import adapters
from tests.inference.asking import asked, request_for, text_of
from tests.processes import ROOT, Process, free_port, python, wait_until
from tests.processes_inference import model_file

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
NODE = '[[node]]\nname = "one"\nkind = "{kind}"\nmodel = "the-base"\nmanaged = true\nplan = {{ {plan} }}\n'


class Kept:
    """A data folder with one managed node, and a keeper that may be killed and started again."""

    def __init__(self, folder: Path, kind: str, plan: str) -> None:
        self.folder = folder
        nodes = folder / "nodes.toml"
        nodes.write_text(NODE.format(kind=kind, plan=plan), encoding="utf-8")
        self.env = {
            "DATA_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'kept.sqlite3'}",
            "ENGINE_URL": "",
            "ENGINE_NODES": str(nodes),
            "SECRET_KEY": "for one keeper of the tests only",
        }
        self.manage("migrate", "-v", "0")
        self.keeper = Process(python("manage.py", "keep_nodes"), env=self.env, log=folder / "keeper.log")

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | self.env
        return subprocess.run(python("manage.py", *words), env=env, cwd=ROOT, capture_output=True, text=True)

    def row(self) -> dict[str, Any]:
        with closing(sqlite3.connect(self.folder / "kept.sqlite3")) as database:
            found = database.execute("SELECT url, adapters FROM writingapp_enginenode").fetchone()
        return {"url": found[0], "adapters": json.loads(found[1])} if found else {"url": "", "adapters": {}}

    def until_it_listens(self, *, but: int = 0, within: float = 60) -> psutil.Process:
        """The process at the row's address, another than `but`."""
        wait_until(lambda: (self.listener() or but) != but, within=within, what="the node to listen")
        return psutil.Process(self.listener())

    def listener(self) -> int:
        port = int(self.row()["url"].rpartition(":")[2] or 0)
        held = [each for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.laddr.port == port]
        return held[0].pid or 0 if held else 0

    def family(self) -> list[psutil.Process]:
        above = psutil.Process(self.keeper.popen.pid)
        return [above, *above.children(recursive=True)]

    def stop(self) -> None:
        self.keeper.stop()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path, "fake", f"port = {free_port()}")
    try:
        yield made
    finally:
        made.stop()


def test_nothing_outlives_a_killed_keeper_and_the_next_starts_everything(kept: Kept) -> None:
    before = kept.until_it_listens()
    family = kept.family()
    os.kill(kept.keeper.popen.pid, signal.SIGKILL)
    kept.keeper.popen.wait()
    assert not psutil.wait_procs(family, timeout=20)[1]
    kept.keeper.start()
    after = kept.until_it_listens(but=before.pid)
    assert after.ppid() == kept.keeper.popen.pid


def test_a_hung_process_does_not_outlive_a_killed_keeper(kept: Kept) -> None:
    process = kept.until_it_listens()
    process.suspend()
    os.kill(kept.keeper.popen.pid, signal.SIGKILL)
    kept.keeper.popen.wait()
    assert not psutil.wait_procs([process], timeout=20)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_keeper_and_its_nodes(kept: Kept, number: signal.Signals) -> None:
    kept.until_it_listens()
    family = kept.family()
    kept.keeper.popen.send_signal(number)
    assert kept.keeper.popen.wait(timeout=20) == 0
    assert not psutil.wait_procs(family, timeout=20)[1]


def test_a_second_keeper_is_refused(kept: Kept) -> None:
    kept.until_it_listens()
    done = kept.manage("keep_nodes")
    assert done.returncode == 1
    assert "a keeper already runs" in done.stderr


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path, "llamacpp", f'model = "{model_file()}", threads = 2')
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.engine
async def test_an_adapter_comes_to_the_real_engine_while_a_text_is_written(
    http: aiohttp.ClientSession, real: Kept
) -> None:
    adapter = adapters.first()
    registered = await asyncio.to_thread(
        real.manage, "adapters", "register", str(adapter.folder), "--base", "the-base", "--label", "dawn"
    )
    assert registered.returncode == 0, registered.stderr
    name = next(word for word in registered.stdout.split() if word.startswith("dawn-"))
    await asyncio.to_thread(real.until_it_listens, within=120)
    old = Node("one", "llamacpp", real.row()["url"])
    await asyncio.to_thread(wait_until, lambda: _is_ready(old), within=120, what="the engine to load")
    request = request_for(asked("free"))
    said: list[Piece] = []
    async with aclosing(engine("llamacpp").stream(http, old, request)) as pieces:
        said.append(await anext(pieces))
        await asyncio.to_thread(real.manage, "adapters", "serve", name)
        said += [piece async for piece in pieces]
    assert said[-1].finish in {"stop", "length"}
    await asyncio.to_thread(
        wait_until, lambda: real.row()["adapters"].get(name, {}).get("state") == "proved", within=240, what="the proof"
    )
    new = replace(old, url=real.row()["url"])
    assert new.url != old.url
    text = await text_of(http, new, replace(request_for(asked("wujue")), adapter=name))
    assert conforms("wujue", text)
    await asyncio.to_thread(wait_until, lambda: not _is_ready(old), within=60, what="the old process to be stopped")


def _is_ready(node: Node) -> bool:
    async def ask() -> bool:
        async with aiohttp.ClientSession() as http:
            return (await engine(node.kind).health(http, node)).state == "ready"

    return asyncio.run(ask())
