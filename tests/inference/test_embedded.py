"""The embedded engine with the real 0.5B, as the process that serves writers."""

import asyncio
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import aclosing
from pathlib import Path

import aiohttp
import psutil
import pytest

from inference.engines import engine
from inference.engines.base import Health, Node
from inference.engines.llamacpp import body_of
from inference.request import Kind
from inference.rest import rest_of
from inference.verse.forms import FORMS, conforms
from tests.inference.asking import asked, pieces_of, request_for, text_of
from tests.inference.test_engines import until_idle
from tests.processes import ROOT, Process, free_port, wait_until
from tests.processes_inference import model_file, real_engine, running

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
WISHES = {"zh": "清晨的湖", "en": "the lake at dawn"}


async def read_of_prompt(http: aiohttp.ClientSession, node: Node) -> int:
    """How many tokens of its last prompt the engine has read."""
    async with http.get(f"{node.url}/slots") as response:
        return max(int(slot.get("n_prompt_tokens_processed", 0)) for slot in await response.json())


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize(
    ("form", "language"),
    [(name, tongue) for name, form in FORMS.items() for tongue in ("zh", "en") if form.language in {None, tongue}],
)
async def test_a_real_poem_has_its_form(
    http: aiohttp.ClientSession, real: Node, form: str, language: str, position: int
) -> None:
    request = request_for(asked(form, WISHES[language], language), position=position)
    pieces = await pieces_of(http, real, request)
    text = "".join(piece.text for piece in pieces)
    if pieces[-1].finish == "stop":
        assert conforms(form, text, language), text
    else:
        assert (form, pieces[-1].finish) in {("free", "length"), ("english", "length")}
    assert all("�" not in piece.text for piece in pieces)


async def test_the_two_candidates_of_one_ask_differ(http: aiohttp.ClientSession, real: Node) -> None:
    first, second = [await text_of(http, real, request_for(asked("wujue"), position=place)) for place in (0, 1)]
    assert first != second


@pytest.mark.parametrize("form", ["wujue", "haiku"])
async def test_a_poem_cut_at_any_character_goes_on_from_there_and_keeps_its_form(
    http: aiohttp.ClientSession, real: Node, form: str
) -> None:
    whole = await text_of(http, real, request_for(asked(form)))
    for place in range(len(whole) + 1):
        rest = await text_of(http, real, request_for(asked(form), written=whole[:place]))
        assert conforms(form, whole[:place] + rest), (place, rest)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_an_english_poem_cut_inside_a_word_goes_on_inside_it(
    http: aiohttp.ClientSession, real: Node, seed: int
) -> None:
    written = "The gate is wet.\nA snail has signed the wo"
    rest = await text_of(http, real, request_for(asked("english", "a gate", "en"), seed=seed, written=written))
    assert conforms("english", written + rest, "en"), rest
    assert rest[0].isalpha(), rest


@pytest.mark.parametrize(
    ("kind", "before", "ends"),
    [
        (Kind.LINE, "清晨五点半，我推开窗。楼下的早点铺刚刚亮灯，", "。？"),
        (Kind.LINE, "I woke before the alarm. The kitchen was still blue.", ".?"),
        (Kind.CONTINUE, "清晨五点半，我推开窗。", "。？"),
        (Kind.CONTINUE, "I woke before the alarm.", ".?"),
    ],
)
async def test_her_text_is_gone_on_with_and_not_answered(
    http: aiohttp.ClientSession, real: Node, kind: Kind, before: str, ends: str
) -> None:
    ask = asked(kind=kind, wish="", before=before)
    pieces = await pieces_of(http, real, request_for(ask))
    text = "".join(piece.text for piece in pieces)
    assert text == text.strip()
    assert "\n" not in text
    assert pieces[-1].finish == "length" or text[-1] in ends
    half = len(text) // 2
    rest = await text_of(http, real, request_for(ask, written=text[:half]))
    assert rest
    assert not (text[:half].endswith(" ") and rest.startswith(" "))


async def test_closing_the_stream_frees_the_slot(http: aiohttp.ClientSession, real: Node) -> None:
    async with aclosing(engine("llamacpp").stream(http, real, request_for(asked("free")))) as pieces:
        await anext(pieces)
        assert (await engine("llamacpp").health(http, real)).running == 1
    await until_idle(real)


async def test_closing_before_the_first_text_stops_the_reading_of_a_long_prompt(
    http: aiohttp.ClientSession, real: Node
) -> None:
    request = request_for(asked("wujue"))
    request.messages[-1]["content"] = "".join(chr(0x4E00 + 7 * place) for place in range(900))
    pieces = engine("llamacpp").stream(http, real, request)
    first = asyncio.ensure_future(anext(pieces))
    await asyncio.to_thread(wait_until, lambda: running(real) == 1, within=20, what="the engine to begin")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await pieces.aclose()
    await until_idle(real)
    assert await read_of_prompt(http, real) < 900


async def test_what_was_read_ahead_is_not_read_again(http: aiohttp.ClientSession, real: Node) -> None:
    request = request_for(asked("wujue", "从没有说过的愿望"))
    await engine("llamacpp").read_ahead(http, real, request)
    body = body_of(request, rest_of(request)) | {"max_tokens": 1, "stream": False}
    del body["stream_options"]
    async with http.post(f"{real.url}/v1/chat/completions", json=body) as response:
        usage = (await response.json())["usage"]
    assert usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"] == 1  # the last is always read


async def test_a_ready_engine_says_so(http: aiohttp.ClientSession, real: Node) -> None:
    await until_idle(real)
    assert await engine("llamacpp").health(http, real) == Health("ready", 1.0, 0)


async def test_a_prompt_that_does_not_fit_is_too_long(http: aiohttp.ClientSession, real: Node) -> None:
    request = request_for(asked("wujue"))
    request.messages[-1]["content"] = "湖山" * 5000
    with pytest.raises(Exception, match="too_long"):
        await pieces_of(http, real, request)


def test_no_other_origin_may_read_it_and_it_serves_no_pages(real: Node) -> None:
    asked_from_elsewhere = urllib.request.Request(f"{real.url}/v1/models", headers={"Origin": "http://evil.example"})
    with urllib.request.urlopen(asked_from_elsewhere) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] in {None, ""}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(real.url)
    assert caught.value.code == 404


async def test_loading_is_seen_from_outside_and_a_signal_ends_it_at_once(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    model, port = str(model_file()), free_port()
    argv = [sys.executable, "-m", "inference.embedded", "--model", model, "--port", str(port), "--threads", "1"]
    process = Process(argv, env={}, log=tmp_path / "log")
    try:
        node, seen = Node("a", "llamacpp", f"http://127.0.0.1:{port}"), Health("down")
        async with asyncio.timeout(60):
            while seen.state == "down":
                seen = await engine("llamacpp").health(http, node)
        assert seen.state == "loading"
        assert seen.progress is not None
        assert 0 <= seen.progress < 1
        above = psutil.Process(process.popen.pid)
        await asyncio.to_thread(wait_until, lambda: bool(above.children()), within=30, what="the server to be forked")
        below = above.children()
        process.popen.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.popen.wait, 20) == 0
        assert not psutil.wait_procs(below, timeout=20)[1]
    finally:
        process.stop()


def test_it_ends_when_the_process_above_it_is_killed() -> None:
    engine_argv = [
        "-m",
        "inference.embedded",
        "--model",
        str(model_file()),
        "--port",
        str(free_port()),
        "--threads",
        "1",
    ]
    above = (
        "import subprocess, sys, time\n"
        f"print(subprocess.Popen([sys.executable, *{engine_argv!r}]).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", above], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout
        started = psutil.Process(int(parent.stdout.readline()))
        wait_until(lambda: bool(started.children()), within=30, what="the server to be forked")
        family = [started, *started.children()]
        parent.kill()
        assert not psutil.wait_procs(family, timeout=30)[1]
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.parametrize(
    ("model", "words"), [("/nowhere/at/all.gguf", "there is no model file"), (__file__, "could not start on port")]
)
def test_a_start_that_cannot_be_says_why_in_one_line(model: str, words: str) -> None:
    argv = [sys.executable, "-m", "inference.embedded", "--model", model, "--port", str(free_port())]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_key_is_asked_of_everyone(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_KEY", "k-1")
    with real_engine("--cold") as node:
        with pytest.raises(Exception, match="engine_broken: status 401"):
            await pieces_of(http, node, request_for(asked("wujue")))
        known = Node(node.name, node.kind, node.url, key="k-1")
        assert conforms("wujue", await text_of(http, known, request_for(asked("wujue"))))
