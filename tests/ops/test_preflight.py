"""What a start refuses, each time with one sentence that names the thing and the remedy."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops import lock, ports, preflight
from ops.house import House, from_environment
from ops.words import Refusal, sentence
from tests.ops.houses import free_ports


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def house(tmp_path: Path) -> House:
    web, redis, engine = free_ports(3)
    return House(
        data_dir=tmp_path / "data",
        host="127.0.0.1",
        port=web,
        origins=(),
        embedded_redis_port=redis,
        embedded_engine_port=engine,
        keeps_nodes=True,
        tags_photos=False,
        gathers_poems=False,
        model="qwen2.5-coder-0.5b",
        log_level="INFO",
    )


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_free_ports_pass(house: House) -> None:
    ports.check(house)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("port", "PORT"),
        ("embedded_redis_port", "EMBEDDED_REDIS_PORT"),
        ("embedded_engine_port", "EMBEDDED_ENGINE_PORT"),
    ],
)
def test_a_taken_port_names_its_holder_and_the_setting(house: House, taken: int, field: str, name: str) -> None:
    changed: dict[str, int] = {field: taken}
    with pytest.raises(Refusal) as refused:
        ports.check(replace(house, **changed))  # type: ignore[arg-type]
    said = str(refused.value)
    assert f"Port {taken}" in said
    assert f"(process {os.getpid()})" in said
    assert f"set {name} to a free port" in said


def test_the_ports_of_servers_we_do_not_start_are_not_looked_at(house: House, taken: int) -> None:
    ports.check(replace(house, embedded_redis_port=None, embedded_engine_port=None))
    assert set(ports.needed(replace(house, embedded_redis_port=None))) == {"PORT", "EMBEDDED_ENGINE_PORT"}


def test_one_port_for_two_servers_is_refused(house: House) -> None:
    with pytest.raises(Refusal, match="PORT and EMBEDDED_REDIS_PORT are both"):
        ports.check(replace(house, embedded_redis_port=house.port))


def test_an_address_of_another_machine_is_refused(house: House) -> None:
    with pytest.raises(Refusal, match=r"HOST=192\.0\.2\.1 is not an address of this machine"):
        ports.check(replace(house, host="192.0.2.1"))


def test_a_full_disk_is_refused_with_what_is_free_and_needed(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "ROOM", 10**18)
    with pytest.raises(Refusal, match=r"are free in .*, 1000000000\.0 GB are needed"):
        preflight.check_room(tmp_path)


def test_a_data_folder_that_cannot_be_made_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Refusal, match="set DATA_DIR to a folder of your own"):
        preflight.check_folder(replace(house, data_dir=tmp_path / "file"))


def test_a_second_run_is_told_who_runs(tmp_path: Path) -> None:
    path = tmp_path / "house.lock"
    with lock.hold(tmp_path, path):
        assert lock.holder(path) == os.getpid()
        with pytest.raises(Refusal, match=f"process {os.getpid()}"), lock.hold(tmp_path, path):
            pytest.fail("two hold the lock")
    assert lock.holder(path) is None


def test_a_lock_left_by_a_killed_run_holds_nobody(tmp_path: Path) -> None:
    path = tmp_path / "house.lock"
    path.write_text("1", encoding="utf-8")
    assert lock.holder(path) is None
    with lock.hold(tmp_path, path):
        assert path.read_text(encoding="utf-8") == str(os.getpid())


@pytest.mark.parametrize("value", ["0", "65536", "80a", "-1", "٨"])
def test_a_port_that_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(Refusal, match=r"PORT=.*: write a whole number from 1 to 65535"):
        from_environment()


@pytest.mark.parametrize(
    ("locale", "said"), [("zh_CN.UTF-8", "正在启动"), ("zh_TW", "正在启动"), ("en_GB", "Starting")]
)
def test_the_terminals_language_is_spoken(monkeypatch: pytest.MonkeyPatch, locale: str, said: str) -> None:
    monkeypatch.delenv("LC_ALL")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert sentence("starting") == said
