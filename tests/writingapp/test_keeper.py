"""The keeper with real processes: started, watched, replaced one by one, ended."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from inference.engines import engine
from inference.engines.base import Health, Node
from tests.inference.asking import asked, request_for
from tests.processes import free_port
from tests.writingapp.kept import KIND, adapter, keeping, listener, put, row, starter
from writingapp import db, tending
from writingapp.models import Adapter, EngineNode

__all__ = ["starter"]
pytestmark = [pytest.mark.usefixtures("rows", "starter"), pytest.mark.timeout(90)]

WITHIN = 25.0  # seconds until a wait is a failure; never a measure of speed


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def until(true: Callable[[], Awaitable[bool]], what: str) -> None:
    async with asyncio.timeout(WITHIN):
        while not await true():  # noqa: ASYNC110 - rows and processes set no event of ours
            await asyncio.sleep(0.02)


async def ready(http: aiohttp.ClientSession, name: str = "one", *, but: str = "") -> EngineNode:
    """The row, once a process answers at its address, which is another than `but`."""

    async def answers() -> bool:
        url = (await row(name)).url
        return bool(url) and url != but and (await health(http, url)).state == "ready"

    await until(answers, f"{name} answers")
    return await row(name)


async def health(http: aiohttp.ClientSession, url: str) -> Health:
    return await engine(KIND).health(http, Node("one", KIND, url))


async def says(name: str, state: str) -> EngineNode:
    """The row, once it says so of an adapter."""

    async def told() -> bool:
        return bool((await row()).adapters.get(name, {}).get("state") == state)

    await until(told, f"{name} is {state}")
    return await row()


async def test_a_managed_node_is_started_and_its_row_says_where(http: aiohttp.ClientSession) -> None:
    port = free_port()
    await put(plan={"model": "well", "port": port})
    async with keeping():
        found = await ready(http)
        assert found.url == f"http://127.0.0.1:{port}"
        process = listener(found.url)
    assert not process.is_running()


async def test_a_node_listens_where_its_plan_says(http: aiohttp.ClientSession) -> None:
    await put(plan={"model": "well", "address": "127.0.0.2"})
    async with keeping():
        found = await ready(http)
        assert found.url.startswith("http://127.0.0.2:")
        held = listener(found.url).net_connections("tcp")
        assert {each.laddr.ip for each in held if each.status == "LISTEN"} == {"127.0.0.2"}


async def test_a_process_sees_its_own_devices_and_none_of_our_secrets(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"SECRET_KEY": "ours", "DATABASE_URL": "postgres://u:p@db/x", "GPU_KEY": "another's", "VLLM_API_KEY": "too"}
    for name, value in {**kept, "HF_HOME": "/models", "CUDA_VISIBLE_DEVICES": "0,1"}.items():
        monkeypatch.setenv(name, value)
    await put(plan={"model": "well", "devices": "1"})
    async with keeping():
        given = listener((await ready(http)).url).environ()
    assert (given["CUDA_VISIBLE_DEVICES"], given["HF_HOME"]) == ("1", "/models")
    assert "PATH" in given
    assert not kept.keys() & given.keys()


async def test_nodes_of_others_are_left_alone(http: aiohttp.ClientSession) -> None:
    await put("elsewhere", host="another-machine")
    await put("external", managed=False, url="http://127.0.0.1:9")
    await put("here", host=socket.gethostname())
    async with keeping():
        await ready(http, "here")
        assert (await row("elsewhere")).url == ""
        assert (await row("external")).url == "http://127.0.0.1:9"


async def test_a_killed_process_comes_back_at_once(http: aiohttp.ClientSession) -> None:
    await put(plan={"model": "well", "port": free_port()})
    async with keeping():
        found = await ready(http)
        killed = listener(found.url)
        killed.kill()
        await until(lambda: _is_gone(killed), "the end of the process")
        found = await ready(http)
        assert listener(found.url).pid != killed.pid


@pytest.mark.once
@pytest.mark.parametrize("log", ["kept", "moved away"])
async def test_a_hung_process_is_ended_and_started_again(http: aiohttp.ClientSession, settings: Any, log: str) -> None:
    await put()
    async with keeping():
        hung = listener((await ready(http)).url)
        if log == "moved away":
            kept = Path(settings.DATA_DIR) / "logs" / "node-one.log"
            kept.rename(kept.with_name("elsewhere.log"))
        hung.suspend()
        await until(lambda: _is_gone(hung), "the end of the hung process")
        await ready(http)


async def test_whatever_goes_wrong_a_node_is_tended_on(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def surprise(*_: object) -> None:
        raise KeyError("messages")

    monkeypatch.setattr(tending, "prove", surprise)
    await adapter("dawn", tmp_path)
    await put()
    async with keeping():
        await until(lambda: _said(caplog, "node one: KeyError: 'messages'", 1), "the surprise")
        killed = listener((await ready(http)).url)
        killed.kill()
        await until(lambda: _is_gone(killed), "the end of the process")
        await ready(http)


async def test_a_row_that_cannot_be_understood_harms_nobody(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await put("bad", plan={"model": "x", "threads": "many"})
    await put("worse", plan={"model": "x", "colour": "green"})
    await put("worst", plan={})
    await put("unknown", kind="oracle")
    await put()
    async with keeping():
        await ready(http)
        await asyncio.sleep(0)
    said = caplog.text
    assert "node bad is not started as its row says: plan.threads" in said
    assert "node worse is not started as its row says: plan.colour: Extra inputs" in said
    assert "node worst is not started as its row says: plan.model" in said
    assert "there is no engine oracle" in said
    assert said.count("node bad") == 1


async def test_a_process_that_cannot_stay_up_is_told_of_and_harms_nobody(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await put("bad", plan={"model": "dies"})
    await put()
    async with keeping():
        await ready(http)
        await until(lambda: _said(caplog, "node bad does not start (exit status 2); see", 3), "three falls")
        log = next(line for line in caplog.text.splitlines() if "node bad does not" in line).rpartition("see ")[2]
        assert "--no-such-flag" in Path(log).read_text()  # noqa: ASYNC240 - a test


async def test_a_taken_port_is_told_and_another_taken(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        await put(plan={"model": "well", "port": taken})
        async with keeping():
            found = await ready(http)
            assert found.url != f"http://127.0.0.1:{taken}"
    assert f"port {taken} is taken" in caplog.text


async def test_a_node_switched_off_is_stopped_and_comes_back_when_wanted(http: aiohttp.ClientSession) -> None:
    await put()
    async with keeping():
        process = listener((await ready(http)).url)
        await turn(EngineNode.State.OFF)
        await until(lambda: _is_gone(process), "its end")
        await until(_has_no_url, "no address in its row")
        await turn(EngineNode.State.ACTIVE)
        await ready(http)


async def test_a_draining_node_ends_its_work(http: aiohttp.ClientSession) -> None:
    await put()
    async with keeping():
        found = await ready(http)
        async with aclosing(stream(http, found.url)) as text:
            await anext(text)
            await turn(EngineNode.State.DRAINING)
            assert [piece async for piece in text][-1] == "stop"


async def test_a_changed_row_replaces_the_process_while_a_text_goes_on(http: aiohttp.ClientSession) -> None:
    await put()
    async with keeping():
        before = (await ready(http)).url
        old = listener(before)
        async with aclosing(stream(http, before)) as text:
            await anext(text)
            await db.run(EngineNode.objects.filter(pk="one").update, capacity=7)
            after = (await ready(http, but=before)).url
            assert old.is_running()
            assert [piece async for piece in text][-1] == "stop"
        assert after != before
        await until(lambda: _is_gone(old), "the end of the old process")


async def test_wanted_adapters_come_by_a_second_process_and_are_proved(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await put()
    async with keeping():
        before = (await ready(http)).url
        await adapter("dawn", tmp_path)
        found = await says("dawn", "proved")
        assert found.url != before
        assert found.adapters["dawn"]["moved"] > 0
        await adapter("dusk", tmp_path, "loaded")
        again = await says("dusk", "proved")
        assert again.url != found.url
        url = again.url
        await db.run(Adapter.objects.filter(pk="dawn").update, state="loaded")  # only who serves has changed
        await db.run(Adapter.objects.filter(pk="dusk").update, state="serving")
        await asyncio.sleep(1)
        assert (await row()).url == url


async def test_adapters_are_proved_again_after_a_fall(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    await adapter("dawn", tmp_path)
    await put()
    async with keeping():
        found = await says("dawn", "proved")
        at = found.adapters["dawn"]["at"]
        listener(found.url).kill()

        async def anew() -> bool:
            return bool((await row()).adapters.get("dawn", {}).get("at", at) != at)

        await until(anew, "a second proof")


async def test_a_replacement_whose_adapter_has_no_effect_is_not_used(
    http: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await put(plan={"model": "noop"})
    async with keeping():
        before = (await ready(http)).url
        await adapter("dawn", tmp_path)
        found = await says("dawn", "failed")
        assert (found.url, found.adapters["dawn"]["why"]) == (before, "no_effect")
        assert (await health(http, before)).state == "ready"
    assert "adapter dawn is not served (no_effect)" in caplog.text


async def test_a_replacement_that_does_not_start_leaves_the_old_one(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await put(plan={"model": "alone"})
    async with keeping():
        before = (await ready(http)).url
        await adapter("dawn", tmp_path)
        found = await says("dawn", "failed")
        assert (found.url, found.adapters["dawn"]["why"]) == (before, "not_started")


async def test_a_node_starts_without_an_adapter_that_keeps_it_from_starting(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await adapter("dawn", tmp_path)
    await put(plan={"model": "alone"})
    async with keeping():
        found = await ready(http)
        assert found.adapters["dawn"]["why"] == "not_started"


async def test_an_adapter_whose_files_are_gone_is_said_and_the_others_are_served(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    lost = await adapter("dawn", tmp_path)
    (Path(lost.folder) / "adapter_model.safetensors").unlink()
    await adapter("dusk", tmp_path, "loaded")
    await put()
    async with keeping():
        found = await says("dusk", "proved")
        assert found.adapters["dawn"]["why"] == "missing_file"


@pytest.mark.parametrize("why", ["plan", "devices", "memory"])
async def test_where_two_do_not_fit_one_stops_first(
    http: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    why: str,
) -> None:
    plan = {"plan": {"replace": "after"}, "devices": {"devices": "0"}, "memory": {"replace": "beside"}}[why]
    await put(plan={"model": "well"} | plan)
    if why == "memory":
        monkeypatch.setattr(tending, "room", lambda: 0)
    async with keeping():
        old = listener((await ready(http)).url)
        await adapter("dawn", tmp_path)
        await until(lambda: _is_gone(old), "its end")
        await says("dawn", "proved")
    assert ("no room for a second copy" in caplog.text) == (why == "memory")


async def turn(state: str) -> None:
    await db.run(EngineNode.objects.filter(pk="one").update, state=state)


async def stream(http: aiohttp.ClientSession, url: str) -> AsyncGenerator[str, None]:
    """The pieces of a quatrain, about a second of them; at the end why it ended."""
    node = Node("one", KIND, url)
    async with aclosing(engine(KIND).stream(http, node, request_for(asked("wujue")))) as pieces:
        async for piece in pieces:
            yield piece.finish or piece.text


async def _is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def _has_no_url() -> bool:
    return not (await row()).url


async def _said(caplog: pytest.LogCaptureFixture, words: str, times: int) -> bool:
    return caplog.text.count(words) >= times
