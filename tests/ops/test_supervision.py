"""A little house for real: supervisord, a Redis-protocol server and stand-ins, killed in every way."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ops.house import ROOT
from ops.processes import Group, Program
from ops.supervision import Places, configuration, fall_in
from tests.ops.houses import LittleHouse, alive, listens, until

pytestmark = pytest.mark.faults


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LittleHouse]:
    little = LittleHouse(tmp_path / "data")
    try:
        little.hear("is ready")
        until(lambda: all(listens(port) for port in little.ports), "every port listens")
        yield little
    finally:
        little.clear()


def assert_nothing_is_left(house: LittleHouse, people: list[int]) -> None:
    until(lambda: not any(alive(pid) for pid in people), "every process is gone")
    assert not any(listens(port) for port in house.ports)


def test_it_tells_where_to_go_once_the_page_answers(house: LittleHouse) -> None:
    assert house.said[-1] == f"白露 is ready: http://127.0.0.1:{house.ports[0]}"


@pytest.mark.parametrize("name", ["web", "engine", "redis"])
def test_a_killed_process_comes_back(house: LittleHouse, name: str) -> None:
    before = house.pid(name)
    os.kill(before, signal.SIGKILL)
    house.hear(f"{name} stopped \\(SIGKILL\\)")
    until(lambda: house.pid(name) not in {0, before}, f"{name} has a new process")
    until(lambda: all(listens(port) for port in house.ports), "every port listens again")


def test_what_redis_acknowledged_survives_its_death(house: LittleHouse) -> None:
    port, before = house.ports[2], house.pid("redis")
    with redis.Redis(port=port) as client:
        client.xadd("log", {"text": "白露"})
        client.waitaof(1, 0, 5000)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    os.kill(before, signal.SIGKILL)
    until(lambda: house.pid("redis") not in {0, before} and listens(port), "redis is back")
    with redis.Redis(port=port) as client:
        until(lambda: client.ping(), "redis answers")
        assert client.xlen("log") == 1


def test_redis_moves_a_file_aside_that_it_cannot_read(house: LittleHouse) -> None:
    port, before = house.ports[2], house.pid("redis")
    with redis.Redis(port=port) as client:
        client.set("a", 1)
        client.waitaof(1, 0, 5000)
    [grown] = (house.folder / "redis" / "appendonlydir").glob("*.incr.aof")
    with grown.open("ab") as file:
        file.write(b"this is no command\r\n" * 3)
    os.kill(before, signal.SIGKILL)
    until(lambda: any(house.folder.glob("redis-unreadable-*")), "the file was moved")
    until(lambda: listens(port), "redis is back")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(house: LittleHouse, number: signal.Signals) -> None:
    people = house.everybody()
    assert len(people) >= 5  # supervisor, web and its child, engine, redis
    house.process.send_signal(number)
    assert house.process.wait(timeout=40) == 0
    house.hear("Stopped")
    assert_nothing_is_left(house, people)


def test_a_terminal_that_is_gone_stops_everything_though_nobody_signals(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    house = LittleHouse(tmp_path / "data", stdin=theirs)
    try:
        os.close(theirs)
        house.hear("is ready")
        people = house.everybody()
        os.close(ours)
        assert house.process.wait(timeout=40) == 0
        assert_nothing_is_left(house, people)
    finally:
        house.clear()


def test_the_page_stops_first_and_redis_in_peace(house: LittleHouse) -> None:
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(timeout=40) == 0
    log = (house.folder / "logs" / "supervisor.log").read_text(encoding="utf-8")
    stopped = [line.split("stopped: ")[1].split()[0] for line in log.splitlines() if "stopped: " in line]
    assert stopped[0] == "web"
    assert {"engine", "redis"} <= set(stopped[1:])
    assert "ready to exit" in (house.folder / "logs" / "redis.log").read_text(encoding="utf-8")


def test_a_killed_supervisor_leaves_nobody_behind(house: LittleHouse) -> None:
    people = house.everybody()
    os.kill(house.pid("supervisor"), signal.SIGKILL)
    assert house.process.wait(timeout=40) == 1
    house.hear("supervisor was killed")
    assert_nothing_is_left(house, people)


def test_a_killed_make_run_leaves_nobody_behind(house: LittleHouse) -> None:
    people = house.everybody()
    house.process.kill()
    house.process.wait()
    assert_nothing_is_left(house, people)


def test_a_program_that_cannot_stay_up_is_named_once_and_harms_nobody(house: LittleHouse) -> None:
    house.hear("broken keeps stopping \\(exit status 3\\)")
    assert all(listens(port) for port in house.ports)


def test_a_second_house_in_the_same_folder_is_refused(house: LittleHouse) -> None:
    second = LittleHouse(house.folder)
    try:
        second.hear(f"process {house.process.pid}")
    finally:
        second.process.wait()
    assert alive(house.process.pid)


def test_the_files_of_a_house_are_its_owners_alone(house: LittleHouse) -> None:
    for folder in ("run", "logs"):
        assert (house.folder / folder).stat().st_mode & 0o077 == 0


def test_names_with_percent_and_space_survive_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "100 % mine"
    program = Program("web", ("echo", "50% done", "a b"), Group.HOUSE, stop_seconds=1)
    text = configuration([program], Places(root=ROOT, state=folder, logs=folder))
    assert "'50%% done' 'a b'" in text
    assert f"stdout_logfile={tmp_path}/100 %% mine/web.log" in text


def test_a_fall_is_read_from_supervisords_own_words() -> None:
    fall = fall_in("2026-01-01 05:00:00,000 WARN exited: worker (terminated by SIGKILL; not expected)")
    assert fall is not None
    assert (fall.name, fall.how) == ("worker", "SIGKILL")
    assert fall_in("2026-01-01 05:00:00,000 INFO spawned: 'worker' with pid 7") is None
