"""The night worker is killed at every step, twice; there is one run a night and one adapter that writes, everywhere."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import Celery

from tests.client import Writer, tab
from tests.house import FakeEngine, House, house
from tests.nights.orders import give, told
from tests.processes import Process, python, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
PAIRS = """
from tests.writingapp.pairs import pair
from writingapp.models import User
writer = User.objects.create_user(username="judge", consents=True)
for _ in range(30):
    pair(writer, state="approved")
"""
NIGHT = "SELECT state, why, attempt, adapter_id FROM writingapp_trainingrun"
SERVING = "SELECT name FROM writingapp_adapter WHERE state = 'serving'"
LOADED = "SELECT name FROM writingapp_adapter WHERE state = 'loaded'"
NODES = "SELECT adapters FROM writingapp_enginenode"
WRITTEN = "SELECT adapter FROM writingapp_candidate WHERE status = 'done' ORDER BY queued_at DESC LIMIT 1"
WORKER = ["-m", "celery", "-A", "writingapp.celery:night", "worker", "-P", "threads", "-Q", "night", "-l", "INFO"]


@dataclass
class School:
    """A house with two nodes, thirty approved pairs, and a night worker that may be killed."""

    house: House
    base: Path
    worker: Process

    def tick(self) -> None:
        """As beat does by way of the upkeep worker, only not once a minute."""
        with Celery(broker=f"{self.house.redis.url}/3", set_as_current=False) as app:
            app.send_task("night.tick", queue="night", expires=30)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        address = self.house.env["DATABASE_URL"]
        if address.startswith("sqlite"):
            with closing(sqlite3.connect(address.removeprefix("sqlite:///"), timeout=20)) as database:
                return database.execute(query).fetchall()
        with psycopg.connect(address) as connection:
            return connection.execute(query.encode()).fetchall()

    def state(self) -> str:
        return next((str(row[0]) for row in self.rows(NIGHT)), "")

    def kill_and_start(self) -> None:
        self.worker.kill()
        self.worker.start()

    def until(self, true: Callable[[], bool], what: str, within: float = 90) -> None:
        """While ticks come again and again."""
        ticked = 0.0

        def look() -> bool:
            nonlocal ticked
            if true():
                return True
            if time.monotonic() - ticked > 1:
                self.tick()
                ticked = time.monotonic()
            return False

        wait_until(look, within=within, what=f"{what}; {self.rows(NIGHT)}, {told(self.base)}")

    def is_whole(self) -> str:
        """One run, one adapter that writes, proved on each node; no two trainings were at it together."""
        [(state, why, _, adapter)] = self.rows(NIGHT)
        assert (state, why) == ("promoted", "")
        assert self.rows(SERVING) == [(adapter,)]
        for (said,) in self.rows(NODES):
            known = json.loads(said) if isinstance(said, str) else said
            assert {name: each["state"] for name, each in known.items()} == {adapter: "proved"}
        order = [line.split()[1] for line in told(self.base) if line.split()[0] in ("train", "save", "trained")]
        assert len([pid for pid, _ in groupby(order)]) == len(set(order)), order  # none came back after another began
        return str(adapter)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    base = give(tmp_path / "base", train=1.0, save=0.7, judge=0.7)
    hours = datetime.now(UTC).hour - 12  # a zone in which it is noon, in the middle of the night of this house
    said = {
        "MODEL": "qwen",
        "NIGHT_AT": "00:00",
        "NIGHT_UNTIL": "23:59",
        "NIGHT_BASE": str(base),
        "NIGHT_TRAINER": "tests.nights.trainer",
        "NIGHT_JUDGE": "tests.nights.judge",
        "TIME_ZONE": f"Etc/GMT{hours:+d}",
    }
    with house(FakeEngine(rate=60), FakeEngine(rate=60), **said) as built:
        built.inside(PAIRS)
        worker = Process(python(*WORKER), env=built.env, log=tmp_path / "night.log")
        try:
            yield School(built, base, worker)
        finally:
            worker.stop()


def words(school: School) -> set[str]:
    return {word.split()[0] for word in told(school.base)}


STEPS: dict[str, Callable[[School], bool]] = {
    "pairing": lambda school: school.state() != "",
    "training": lambda school: "train" in words(school),
    "saving": lambda school: "save" in words(school),
    "gating": lambda school: "judge" in words(school),
    "promoting": lambda school: school.state() == "promoting",
    "loading": lambda school: bool(school.rows(LOADED)),
}


@pytest.mark.parametrize("step", list(STEPS))
def test_killed_at_a_step_and_again_when_it_goes_on(school: School, step: str) -> None:
    school.until(lambda: STEPS[step](school), f"the night to come to {step}")
    school.kill_and_start()
    before = school.rows(NIGHT)[0][2]
    school.until(lambda: school.rows(NIGHT)[0][2] > before, "the night to be taken up again")
    school.kill_and_start()
    school.until(lambda: school.state() == "promoted", "the night to end")
    school.is_whole()


def test_a_heap_of_ticks_two_workers_and_a_wiped_redis_make_one_night(school: School, tmp_path: Path) -> None:
    other = Process(python(*WORKER, "-n", "other@%h"), env=school.house.env, log=tmp_path / "other.log")
    try:
        for _ in range(20):
            school.tick()
        school.until(lambda: "train" in words(school), "training")
        school.house.redis.kill()
        school.house.redis.start()
        school.house.redis.wait()
        school.house.flush_redis()
        school.until(lambda: school.state() == "promoted", "the night to end")
        school.is_whole()
        assert sum(word.startswith("train ") for word in told(school.base)) == 1
    finally:
        other.stop()


async def test_poems_are_written_meanwhile_and_by_the_new_adapter_afterwards(school: School) -> None:
    ((cookie, session),) = school.house.sit_down("writer")
    async with tab(Writer(school.house, cookie), session) as one:
        await asyncio.to_thread(school.until, lambda: "train" in words(school), "training")
        for _ in range(50):
            await asyncio.to_thread(school.tick)  # a flood before the night's own broker
        asked = await one.inspire(form="wujue")
        assert (await one.ended(str(asked["candidates"][0]["id"]))).status == "done"
        assert school.rows(WRITTEN) == [("",)]
        await asyncio.to_thread(school.until, lambda: school.state() == "promoted", "the night to end")
        adapter = school.is_whole()
        for _ in range(10):
            asked = await one.inspire(form="wujue")
            await one.ended(str(asked["candidates"][0]["id"]))
            if school.rows(WRITTEN) == [(adapter,)]:
                break
        assert school.rows(WRITTEN) == [(adapter,)]
