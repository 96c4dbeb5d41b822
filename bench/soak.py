"""Random faults for as long as you like: processes are killed under writers who ask and save without pause.

    python -m bench.soak [--faults 40] [--writers 3] [--seed 1]

At the end, which Ctrl+C brings sooner, every text must be terminal, what each page shows must equal its row, every poem
must be whole, and every save that was acknowledged must be there. A seed repeats the order of the faults, not the
moment at which they hit.
"""

import argparse
import asyncio
import collections
import contextlib
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from inference.verse.forms import conforms
from tests.client import Tab, Writer, socket
from tests.house import FakeEngine, House, house
from tests.processes import Process
from tests.writingapp.page import TERMINAL, Page

ENGINE = FakeEngine(rate=20.0)
BETWEEN = (1.0, 5.0)  # seconds between two faults
QUIET = 60.0  # seconds after the last fault within which everything must have ended
HUNG = 4.0  # seconds that a node stands still, twice as long as this house waits for one
LIMITS = {"ENGINE_FIRST_SECONDS": "2", "ENGINE_BETWEEN_SECONDS": "2"}
SILENCE = 10.0  # seconds after which a page asks again for what it lacks


@dataclass
class Life:
    """One writer at one session: saves a longer text, asks for a poem, and again."""

    writer: Writer
    session: str
    page: Page = field(default_factory=Page)
    rev: int = 0
    text: str = ""
    acknowledged: str = ""
    save_id: str = ""
    base: int = 0
    key: str = ""
    asks: int = 0
    reconnects: int = -1

    async def live(self, over: asyncio.Event) -> None:
        """Until it is over and nothing is unfinished; a broken line is taken up again."""
        while True:
            try:
                async with socket(self.writer, self.session) as opened:
                    self.reconnects += 1
                    if await self._sit(Tab(opened, self.page), over):
                        return
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                await asyncio.sleep(0.3)

    async def _sit(self, one: Tab, over: asyncio.Event) -> bool:
        await one.expect("hello")
        if self.save_id:
            await self._save(one)
        while True:
            unfinished = [each for each, shown in self.page.shown.items() if shown.status not in TERMINAL]
            if unfinished:
                await self._listen(one, unfinished)
            elif over.is_set() and not self.key:
                return True
            else:
                await self._write(one)
                await self._ask(one)

    async def _listen(self, one: Tab, unfinished: list[str]) -> None:
        try:
            await asyncio.wait_for(one.hear(), SILENCE)
        except TimeoutError:
            for each in unfinished:
                shown = self.page.shown[each]
                await one.send("attach", candidate=each, attempt=shown.attempt, seq=len(shown.text))

    async def _write(self, one: Tab) -> None:
        if not self.save_id:
            self.save_id, self.base, self.text = str(uuid.uuid4()), self.rev, self.text + "又写了一句。"
        await self._save(one)

    async def _save(self, one: Tab) -> None:
        await one.send("save", save_id=self.save_id, base_rev=self.base, text=self.text)
        while True:
            told = await one.hear()
            if told.get("save_id") == self.save_id and told["type"] == "saved":
                self.rev, self.acknowledged, self.save_id = told["rev"], self.text, ""
                return
            if told["type"] == "error" and told["ref"] == self.save_id:
                await asyncio.sleep(0.5)
                await one.send("save", save_id=self.save_id, base_rev=self.base, text=self.text)
            assert told["type"] != "conflict", "a lone writer met a conflict"

    async def _ask(self, one: Tab) -> None:
        self.key = self.key or str(uuid.uuid4())
        asked: dict[str, Any] = {"kind": "poem", "form": "wujue", "wish": "湖", "candidates": 2}
        await one.send("inspire", key=self.key, **asked)
        while True:
            told = await one.hear()
            if told["type"] == "queued" and told["key"] == self.key:
                self.key, self.asks = "", self.asks + 1
                return
            if told["type"] in ("busy", "error"):
                await asyncio.sleep(0.5)
                await one.send("inspire", key=self.key, **asked)


def faults(built: House) -> dict[str, Callable[[], None]]:
    """What may happen."""

    def again(process: Process) -> Callable[[], None]:
        def kill() -> None:
            process.kill()
            process.start()

        return kill

    def hang(process: Process) -> Callable[[], None]:
        def stand_still() -> None:
            process.popen.send_signal(signal.SIGSTOP)
            time.sleep(HUNG)
            process.popen.send_signal(signal.SIGCONT)

        return stand_still

    killed = {f"{name} killed": again(vars(built)[name]) for name in ("worker", "web", "redis", "beat")}
    nodes = {f"node {place} killed": again(node) for place, node in enumerate(built.nodes)}
    hung = {f"node {place} hung": hang(node) for place, node in enumerate(built.nodes)}
    return killed | nodes | hung | {"redis emptied": built.flush_redis}


async def soak(built: House, many: int, writers: int, chance: random.Random) -> list[str]:
    """Answers what was wrong."""
    seats = built.sit_down(*(f"soak-{number}" for number in range(writers)))
    lives = [Life(Writer(built, cookie), session) for cookie, session in seats]
    over, enough = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, enough.set)
    living = [asyncio.create_task(life.live(over)) for life in lives]
    happened: collections.Counter[str] = collections.Counter()
    while happened.total() < many and not await _happens(enough, within=chance.uniform(*BETWEEN)):
        name, cause = chance.choice(sorted(faults(built).items()))
        happened[name] += 1
        try:
            await asyncio.to_thread(cause)
        except OSError:  # emptied while it was away
            happened[name] -= 1
    over.set()
    began = time.monotonic()
    _, late = await asyncio.wait(living, timeout=QUIET)
    print(f"faults: {dict(happened)}; all ended {time.monotonic() - began:.1f} s after the last")
    for task in late:
        task.cancel()
    return [f"{len(late)} writers were not done {QUIET:.0f} s after the last fault"] * bool(late) + _wrong(built, lives)


async def _happens(event: asyncio.Event, *, within: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within)
    return event.is_set()


def _wrong(built: House, lives: list[Life]) -> list[str]:
    wrong, texts, statuses = [], 0, collections.Counter[str]()
    for life in lives:
        rows = built.rows(life.session)
        for candidate, shown in life.page.shown.items():
            texts += 1
            statuses[shown.status] += 1
            if rows["candidates"].get(candidate) != [shown.status, shown.text]:
                wrong.append(f"{candidate}: the page shows {shown.status} {shown.text!r}")
            if shown.status == "done" and not conforms("wujue", shown.text):
                wrong.append(f"{candidate}: {shown.text!r} is no whole poem")
        if not rows["text"].startswith(life.acknowledged):
            wrong.append(f"{life.session}: an acknowledged save is gone")
    asks, lines = sum(life.asks for life in lives), sum(life.reconnects for life in lives)
    print(f"{asks} asks, {texts} texts {dict(statuses)}, {lines} lines taken up again; wrong: {len(wrong)}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with house(ENGINE, ENGINE, **LIMITS) as built:
        wrong = asyncio.run(soak(built, asked.faults, asked.writers, random.Random(asked.seed)))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
