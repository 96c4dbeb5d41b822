"""The registry, and nodes that are fitted with what it wants: loaded, proved, dropped, loaded again after a fall."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.utils import timezone

from inference.engines import ENGINES, engine
from inference.engines.base import AdapterFiles, Node
from tests.processes_inference import fake_node
from tests.tiny_adapter import tiny_adapter
from tests.writingapp.kept import KIND, Starter
from training.judging import TAG
from training.writing import named
from writingapp import db, fitting
from writingapp.models import Adapter, EngineNode, TrainingRun
from writingapp.services import adapters, nodes, promoting
from writingapp.services.adapters import BadAdapter
from writingapp.services.promoting import NotPromoted

pytestmark = pytest.mark.usefixtures("rows")
NOW = timezone.now()


@pytest.fixture(autouse=True)
def registry(settings: Any, tmp_path: Path) -> Path:
    settings.ADAPTERS = tmp_path / "registry"
    return tmp_path


def registered(place: Path, seed: int = 1, state: str = Adapter.State.SERVING) -> Adapter:
    row = adapters.register(folder=tiny_adapter(place / f"made-{seed}", seed=seed), label="dew", base="qwen")
    if state == Adapter.State.SERVING:
        return promoting.serve(adapter=row, now=NOW)
    if state == Adapter.State.LOADED:
        return promoting.offer(adapter=row, judged=False)
    promoting.retire(adapter=row, now=NOW)
    return row


@pytest.fixture
def node() -> Iterator[Node]:
    with fake_node(rate=0) as started:
        nodes.put(name="n", kind="fake", url=started.url, model="qwen")
        yield started


@contextmanager
def silent() -> Iterator[str]:
    """An address where connections are taken and nothing is said."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


async def listed(node: Node) -> frozenset[str]:
    async with aiohttp.ClientSession() as http:
        return await engine("fake").adapters(http, node)


async def the_row() -> EngineNode:
    row: EngineNode = await sync(EngineNode.objects.get, pk="n")
    return row


async def proved() -> dict[str, str]:
    return {name: told["state"] for name, told in (await the_row()).adapters.items()}


# --- the registry
def test_an_adapter_is_copied_under_a_name_of_its_own_and_cannot_be_written_to(registry: Path) -> None:
    row = adapters.register(folder=tiny_adapter(registry / "made"), label="dew", base="qwen")
    assert row.name == f"dew-{row.digest[:12]}"
    kept = sorted(Path(row.folder).iterdir())
    assert [path.name for path in kept] == ["adapter_config.json", "adapter_model.safetensors", "reference.json"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o400}


def test_the_same_bytes_are_the_same_adapter(registry: Path) -> None:
    first = adapters.register(folder=tiny_adapter(registry / "one"), label="dew", base="qwen")
    again = adapters.register(folder=tiny_adapter(registry / "two"), label="other", base="qwen")
    assert (again.name, Adapter.objects.count()) == (first.name, 1)


def test_what_is_no_adapter_is_refused_by_name(registry: Path) -> None:
    broken = tiny_adapter(registry / "made")
    (broken / "adapter_model.safetensors").unlink()
    with pytest.raises(BadAdapter, match=r"adapter_model\.safetensors"):
        adapters.register(folder=broken, label="dew", base="qwen")
    assert not Adapter.objects.exists()


def test_an_adapter_whose_reference_cannot_be_used_is_refused(registry: Path) -> None:
    broken = tiny_adapter(registry / "made")
    (broken / "reference.json").write_text('{"format": 1, "probes": [{}]}', encoding="utf-8")
    with pytest.raises(BadAdapter, match=r"reference\.json"):
        adapters.register(folder=broken, label="dew", base="qwen")
    assert not Adapter.objects.exists()


def test_only_one_serves_and_whoever_did_stays_loaded(registry: Path) -> None:
    first, second = registered(registry, 1), registered(registry, 2)
    assert adapters.serving() == second.name
    assert [each.name for each in adapters.wanted(base="qwen")] == [second.name, first.name]
    assert adapters.wanted(base="another model") == []


def test_a_retired_adapter_does_not_come_back(registry: Path) -> None:
    row = registered(registry, state=Adapter.State.RETIRED)
    with pytest.raises(NotPromoted, match="retired"):
        promoting.serve(adapter=row, now=NOW)
    assert adapters.serving() == ""


# --- fitting
async def test_a_node_gets_what_is_wanted_and_proves_it(node: Node, registry: Path) -> None:
    row = await sync(registered, registry)
    await fitting.fit_all(NOW)
    assert await listed(node) == {row.name}
    assert await proved() == {row.name: "proved"}
    assert nodes.node_of(await the_row()).adapters == {row.name}


async def test_a_node_that_was_restarted_gets_them_again(registry: Path) -> None:
    row = await sync(registered, registry)
    with fake_node(rate=0) as first:
        await sync(nodes.put, name="n", kind="fake", url=first.url, model="qwen")
        await fitting.fit_all(NOW)
    await fitting.fit_all(NOW)  # it is away
    assert await proved() == {}
    with fake_node(rate=0) as second:
        await sync(nodes.put, name="n", kind="fake", url=second.url, model="qwen")
        await fitting.fit_all(NOW)
        assert await listed(second) == {row.name}
    assert await proved() == {row.name: "proved"}


async def test_a_node_that_forgot_in_between_is_noticed(node: Node, registry: Path) -> None:
    row = await sync(registered, registry)
    await fitting.fit_all(NOW)
    async with aiohttp.ClientSession() as http:
        await engine("fake").unload(http, node, row.name)
    await fitting.fit_all(NOW)
    assert await listed(node) == {row.name}


async def test_an_adapter_without_effect_is_a_failed_load(registry: Path) -> None:
    row = await sync(registered, registry)
    with fake_node(rate=0, noop=True) as node:
        await sync(nodes.put, name="n", kind="fake", url=node.url, model="qwen")
        await fitting.fit_all(NOW)
        assert await listed(node) == frozenset()
        stored = (await the_row()).adapters[row.name]
    assert (stored["state"], stored["why"]) == ("failed", "no_effect")
    assert nodes.node_of(await the_row()).adapters == frozenset()


async def test_a_failed_one_is_left_alone_for_a_while(registry: Path) -> None:
    row = await sync(registered, registry)
    with fake_node(rate=0, noop=True) as node:
        await sync(nodes.put, name="n", kind="fake", url=node.url, model="qwen")
        await fitting.fit_all(NOW)
        await fitting.fit_all(NOW + timedelta(seconds=5))
        first = (await the_row()).adapters[row.name]["at"]
        await fitting.fit_all(NOW + fitting.AGAIN)
        again = (await the_row()).adapters[row.name]["at"]
    assert (first, again) == (NOW.isoformat(), (NOW + fitting.AGAIN).isoformat())


@pytest.mark.parametrize(("state", "stays"), [("gating", True), ("failed", False), ("promoted", False), ("", True)])
async def test_what_a_killed_judge_of_ours_left_there_is_dropped(
    node: Node, registry: Path, state: str, *, stays: bool
) -> None:
    run = await sync(lambda: TrainingRun.objects.create(state=state)) if state else TrainingRun()  # another house's
    lent = tiny_adapter(registry / "lent", seed=9)
    name = named(lent, by=str(run.pk)[:TAG])
    async with aiohttp.ClientSession() as http:
        await engine("fake").load(http, node, AdapterFiles(name, lent))
    await fitting.fit_all(NOW)
    assert await listed(node) == ({name} if stays else set())


async def test_a_retired_one_is_not_asked_for_first_and_dropped_second(node: Node, registry: Path) -> None:
    row = await sync(registered, registry)
    await fitting.fit_all(NOW)
    await sync(promoting.retire, adapter=row, now=NOW)
    await fitting.fit_all(NOW)
    assert await proved() == {}
    assert await listed(node) == {row.name}  # a text that is on its way may still ask for it
    await fitting.fit_all(NOW)
    assert await listed(node) == frozenset()


async def test_a_node_that_is_slow_for_once_keeps_what_was_proved_there(node: Node, registry: Path) -> None:
    row = await sync(registered, registry)
    await fitting.fit_all(NOW)
    with silent() as url:
        await sync(EngineNode.objects.filter(pk="n").update, url=url)
        await fitting.fit_all(NOW)
    assert await proved() == {row.name: "proved"}


async def test_whatever_goes_wrong_at_one_node_the_next_is_fitted(
    node: Node, registry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = await sync(registered, registry)
    strange = {row.name: {"state": "failed"}}  # without the moment at which it failed
    await sync(EngineNode.objects.create, name="m", kind="fake", url=node.url, model="qwen", adapters=strange)
    await fitting.fit_all(NOW)
    assert await proved() == {row.name: "proved"}
    assert "node m is not fitted: KeyError" in caplog.text


# --- engines that take adapters at their start only, and run by themselves
async def test_what_such_a_node_was_started_with_is_proved_and_nothing_is_asked_of_it(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, KIND, Starter())
    row, other = await sync(registered, registry), await sync(registered, registry, 2, Adapter.State.LOADED)
    with fake_node(rate=0, adapter=f"{row.name}={row.folder}") as started:
        await sync(nodes.put, name="n", kind=KIND, url=started.url, model="qwen")
        await fitting.fit_all(NOW)
        assert await listed(started) == {row.name}
    assert await proved() == {row.name: "proved"}
    assert (await sync(promoting.standing, adapter=row)).everywhere
    stands = await sync(promoting.standing, adapter=other)
    assert (stands.proved, stands.waiting, stands.failed) == ([], [], {})


async def test_one_without_effect_there_is_said_and_left(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, KIND, Starter())
    row = await sync(registered, registry)
    with fake_node(rate=0, noop=True, adapter=f"{row.name}={row.folder}") as started:
        await sync(nodes.put, name="n", kind=KIND, url=started.url, model="qwen")
        await fitting.fit_all(NOW)
    assert (await the_row()).adapters[row.name]["why"] == "no_effect"
    assert (await sync(promoting.standing, adapter=row)).failed == {"n": "no_effect"}


async def test_such_a_node_does_not_keep_others_from_a_promotion(
    node: Node, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, KIND, Starter())
    await sync(nodes.put, name="fixed", kind=KIND, url=node.url + "/away", model="qwen")
    row = await sync(registered, registry)
    await fitting.fit_all(NOW)
    stands = await sync(promoting.standing, adapter=row)
    assert (stands.proved, stands.everywhere) == (["n"], True)


async def test_an_adapter_that_is_not_ours_is_left_where_it_is(node: Node, registry: Path) -> None:
    theirs = await sync(tiny_adapter, registry / "theirs")
    async with aiohttp.ClientSession() as http:
        await engine("fake").load(http, node, AdapterFiles("theirs", theirs))
    await fitting.fit_all(NOW)
    assert await listed(node) == {"theirs"}


async def test_one_process_at_a_time_fits_a_node(node: Node, registry: Path) -> None:
    await sync(registered, registry)
    await sync(EngineNode.objects.filter(pk="n").update, fitting_until=NOW + timedelta(seconds=1))
    await fitting.fit_all(NOW)
    assert await listed(node) == frozenset()
    await fitting.fit_all(NOW + timedelta(seconds=2))  # whoever held it has died
    assert len(await listed(node)) == 1


async def sync(work: Any, *args: Any, **kwargs: Any) -> Any:
    """ORM work on the threads of the house, so that one writer does not lock out the other."""
    return await db.run(work, *args, **kwargs)
