"""Through the whole app: socket, row, worker, engine, log, hub, socket."""

import time
from contextlib import AsyncExitStack

import psutil

from bench.direct import CONTINUE, Heard
from tests.client import Tab, Writer, tab
from tests.house import House
from tests.processes import Process


async def stream(one: Tab, **asked: object) -> Heard:
    """Ask once and hear it to its end."""
    began, first, text = time.perf_counter(), 0.0, ""
    told = await one.inspire(**{"kind": "continue", "before": CONTINUE.before, "form": ""} | asked)
    candidate = told["candidates"][0]["id"]
    while True:
        message = await one.hear()
        if message["type"] == "frame":
            first = first or time.perf_counter() - began
        if message["type"] == "end" and message["candidate"] == candidate:
            text = message["text"]
            return Heard(first, time.perf_counter() - began, len(text), text)


class Seats:
    """So many writers, each with an open tab."""

    def __init__(self, house: House, many: int) -> None:
        made = house.sit_down(*(f"bench-{time.time_ns()}-{number}" for number in range(many)))
        self._seats = [(Writer(house, cookie), session_id) for cookie, session_id in made]
        self._stack = AsyncExitStack()
        self.tabs: list[Tab] = []

    async def __aenter__(self) -> "Seats":
        for seat in self._seats:
            self.tabs.append(await self._stack.enter_async_context(tab(*seat)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


def cpu(process: Process) -> float:
    """Seconds of processor that a process and its children have had."""
    root = psutil.Process(process.popen.pid)
    return sum(sum(each.cpu_times()[:2]) for each in (root, *root.children(recursive=True)))
