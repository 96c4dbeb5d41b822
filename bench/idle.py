"""What a socket costs that nobody writes at: memory and processor of the web process, with so many open tabs.

    python -m bench.idle [--sockets 10000] [--tabs 1] [--seconds 120]

Every tab has heard its hello and pings as a page does. Memory is what the process has for itself alone (USS), before
and after; the first few hundred sockets fill caches and are not counted. `ulimit -n` must let both sides have them all.
"""

import argparse
import asyncio
import contextlib
import gc
import resource
import sys
import time
from contextlib import AsyncExitStack

import psutil
from websockets.asyncio.client import ClientConnection

from bench.figures import in_ms
from bench.through_app import cpu
from tests.client import Tab, Writer, socket
from tests.house import FakeEngine, House, house

WARM = 300  # sockets that come first and are not counted
AT_ONCE = 50  # sockets that are opened together
SEATS_A_CALL = 500  # writers made by one command
PING_EVERY = 15.0  # seconds, as static/js/session/socket.js does
SPARE = 200  # descriptors that a process has besides


class Crowd:
    """Open tabs that only listen and ping."""

    def __init__(self, built: House, tabs: int) -> None:
        self._built, self._tabs = built, tabs
        self._stack = AsyncExitStack()
        self._living: list[asyncio.Task[None]] = []
        self.waits: list[float] = []  # seconds from the ping to its pong

    async def grow(self, many: int) -> None:
        seats = self._seats(-(-many // self._tabs))
        coming = [seat for seat in seats for _ in range(self._tabs)][:many]
        for start in range(0, many, AT_ONCE):
            await asyncio.gather(*(self._sit(*seat) for seat in coming[start : start + AT_ONCE]))

    async def leave(self) -> None:
        for each in self._living:
            each.cancel()
        await asyncio.gather(*self._living, return_exceptions=True)
        await self._stack.aclose()

    def lost(self) -> int:
        return sum(each.done() for each in self._living)

    def _seats(self, writers: int) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        while len(made) < writers:
            many = min(SEATS_A_CALL, writers - len(made))
            made += self._built.sit_down(*(f"idle-{time.time_ns()}-{number}" for number in range(many)))
        return made

    async def _sit(self, cookie: str, session: str) -> None:
        connecting = socket(Writer(self._built, cookie), session)
        opened = await self._stack.enter_async_context(connecting)
        await Tab(opened).expect("hello")
        self._living.append(asyncio.create_task(self._live(opened)))

    async def _live(self, opened: ClientConnection) -> None:
        one, number = Tab(opened), len(self._living)
        await asyncio.sleep(PING_EVERY * (number % 1000) / 1000)
        while True:
            began = time.perf_counter()
            await one.send("ping", t=number)
            await one.expect("pong")
            self.waits.append(time.perf_counter() - began)
            await asyncio.sleep(PING_EVERY)


def memory(built: House) -> int:
    """Bytes that the web process has for itself alone."""
    return int(psutil.Process(built.web.popen.pid).memory_full_info().uss)


async def idle(built: House, sockets: int, tabs: int, seconds: float) -> int:
    """Prints what was seen; answers how many sockets were lost."""
    crowd = Crowd(built, tabs)
    await crowd.grow(WARM)
    before = memory(built)
    began = time.monotonic()
    await crowd.grow(sockets)
    print(f"{sockets} sockets, {tabs} a session, opened in {time.monotonic() - began:.0f} s")
    crowd.waits.clear()
    spent, since = cpu(built.web), time.monotonic()
    await asyncio.sleep(seconds)
    busy = (cpu(built.web) - spent) / (time.monotonic() - since)
    print(f"  memory a socket     {(memory(built) - before) / sockets / 1024:7.1f} KiB")
    print(f"  whole web process   {memory(built) / 2**20:7.0f} MiB")
    print(f"  web, of one core    {100 * busy:7.1f} %")
    print(f"  ping to pong        {in_ms(crowd.waits)}")
    print(f"  sockets lost        {crowd.lost():7}")
    lost = crowd.lost()
    with contextlib.suppress(OSError):
        await crowd.leave()
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--tabs", type=int, default=1, help="tabs of each session")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long they are watched")
    asked = parser.parse_args()
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed < asked.sockets + WARM + SPARE:
        print(f"A process may have {allowed} descriptors here, {asked.sockets + WARM + SPARE} are needed (ulimit -n).")
        return 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
    gc.disable()  # a search for garbage here would be told as a pong that came late
    with house(FakeEngine()) as built:
        return 1 if asyncio.run(idle(built, asked.sockets, asked.tabs, asked.seconds)) else 0


if __name__ == "__main__":
    sys.exit(main())
