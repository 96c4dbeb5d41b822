"""SGLang and LMDeploy against their own source: what we send them is kept by their classes and reaches their sampling,
what we start them with is read by their parsers, and our shapes are read by the libraries that they hold shapes with.

They cannot run without a GPU, so this is all the proof there is; whatever they change that matters to us breaks it.
"""

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Plan
from inference.engines.lmdeploy import HARMLESS, HEEDED, spelled
from inference.request import Ask, Kind, Request, messages, sampling
from inference.rest import rest_of
from inference.verse.forms import FORMS, LANGUAGES
from inference.vision import seeing
from tests.engines import sources
from tests.engines.launches import meant, plans, started_with
from tests.engines.recorder import Recorder, recording
from tests.engines.sources import Refused, Source
from tests.engines.tiny import tiny_tokenizer
from tests.inference.verse import spelling
from tests.processes import free_port

pytestmark = pytest.mark.timeout(600)  # the first time, two wheels are fetched
KINDS = ("sglang", "lmdeploy")
SOON = 1.5  # seconds of a processor; 0.4 were seen at most, and 3.6 to 8 for eight regulated lines in one group
IMAGE = "data:image/png;base64,iVBORw0KGgo="
CONFIG = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "base",
    "inference_mode": True,
    "lora_dropout": 0.0,
    "bias": "none",
    "r": 64,
    "lora_alpha": 128,
    "target_modules": ["q_proj", "v_proj"],
}
# Where a field of ours arrives in what their engine samples with; the other fields are of the request, not of sampling.
ARRIVES = {
    "sglang": {"max_tokens": "max_new_tokens", "seed": "sampling_seed"},
    "lmdeploy": {"max_tokens": "max_new_tokens", "seed": "random_seed", "stop": "stop_words"},
}
NOT_SAMPLING = {"messages", "model", "stream", "stream_options"}
OWN = {
    "sglang": {"rid", "lora_path", "continue_final_message", "logprobs", "top_logprobs"},
    "lmdeploy": {"session_id", "logprobs", "top_logprobs"},
}


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Source]]:
    try:
        sources.brought()
    except sources.NotBrought as error:
        pytest.skip(
            f"NO WHEELS, SO NOTHING THAT WE SAY TO SGLANG AND LMDEPLOY IS CHECKED AGAINST THEIR SOURCE: {error}."
            " Run this once where pip reaches a package registry; they are kept from then on."
        )
    with sources.opened("sglang") as sglang, sources.opened("lmdeploy") as lmdeploy, sources.opened("peft") as peft:
        yield {"sglang": sglang, "lmdeploy": lmdeploy, "peft": peft}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(opened: dict[str, Source], kind: str) -> Source:
    return opened[kind]


@pytest_asyncio.fixture
async def recorder(kind: str) -> AsyncIterator[Recorder]:
    async with recording(kind, free_port()) as made:
        yield made


@pytest.fixture
def adapter(tmp_path: Path) -> AdapterFiles:
    folder = tmp_path / "0123abcd"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return AdapterFiles("0123abcd", folder)


def asks() -> Iterator[Ask]:
    for language, wish, before in (("zh", "写湖", "湖上起了雾，"), ("en", "a lake", "A mist rose")):
        for name, form in FORMS.items():
            if form.language in {None, language}:
                yield Ask(Kind.POEM, name, wish, "", "", language)
        for kind in (Kind.LINE, Kind.CONTINUE):
            yield Ask(kind, "", wish, "", before, language)


def requests() -> Iterator[Request]:
    """Every form in every language, new and half written, with an adapter and a picture on some."""
    for ask in asks():
        made = Request(messages(ask), sampling(ask, 0, 5))
        yield made
        yield replace(made, written=half(made), adapter="first")
        yield replace(made, sampling=sampling(ask, 1, 5), image=IMAGE)
    yield from (seeing.look(b"a picture", language) for language in LANGUAGES)


def half(request: Request) -> str:
    whole = spelling.spelled(rest_of(request).shape, 5)
    return whole.lstrip(" ")[: len(whole) // 2]


def kept(sent: Any, there: Any) -> bool:
    """Whether all that was sent is there, with its value."""
    if isinstance(sent, dict):
        return isinstance(there, dict) and all(name in there and kept(sent[name], there[name]) for name in sent)
    if isinstance(sent, list):
        return isinstance(there, list) and len(sent) == len(there) and all(map(kept, sent, there))
    return bool(sent == there)


def judge(kind: str, source: Source, body: dict[str, Any]) -> None:
    """Their class keeps every field, and every field that is one of sampling arrives with its value."""
    told = source.ask("chat", body=body)
    assert kept(body, told["kept"])
    for name in body.keys() - NOT_SAMPLING - OWN[kind]:
        assert told["sampling"][ARRIVES[kind].get(name, name)] == body[name], f"{name} does not arrive"


async def test_every_request_is_kept_and_arrives(kind: str, source: Source, recorder: Recorder) -> None:
    for request in requests():
        judge(kind, source, await recorder.streamed(request))


async def test_what_is_measured_is_kept_and_arrives(
    kind: str, source: Source, recorder: Recorder, adapter: AdapterFiles
) -> None:
    bodies = [body for route, body in await recorder.worked(adapter) if route == "POST /v1/chat/completions"]
    assert len(bodies) == 2
    for body in bodies:
        judge(kind, source, body)


async def test_every_route_is_theirs(source: Source, recorder: Recorder, adapter: AdapterFiles) -> None:
    called = {route for route, _ in await recorder.worked(adapter)}
    recorder.endless = True
    await recorder.streamed(next(requests()))
    called |= {route for route, _ in recorder.asked}
    assert "POST /abort_request" in called
    assert called <= set(source.ask("routes"))


@pytest.mark.parametrize("kind", ["sglang"])
async def test_sglang_takes_what_we_say_of_adapters_and_aborts(
    source: Source, recorder: Recorder, adapter: AdapterFiles
) -> None:
    asked = dict(await recorder.worked(adapter))
    recorder.endless = True
    name = (await recorder.streamed(next(requests())))["rid"]
    asked |= dict(recorder.asked)
    assert asked["POST /abort_request"] == {"rid": name}
    for route, struct in {
        "POST /abort_request": "AbortReq",
        "POST /load_lora_adapter": "LoadLoRAAdapterReqInput",
        "POST /unload_lora_adapter": "UnloadLoRAAdapterReqInput",
    }.items():
        assert kept(asked[route], source.ask("struct", name=struct, body=asked[route]))


@pytest.mark.parametrize("kind", ["lmdeploy"])
async def test_lmdeploy_takes_our_abort(source: Source, recorder: Recorder) -> None:
    recorder.endless = True
    body = await recorder.streamed(next(requests()))
    asked = dict(recorder.asked)["POST /abort_request"]
    assert asked == {"session_id": body["session_id"]}
    assert source.ask("abort", body=asked) == asked


@pytest.mark.parametrize("kind", ["sglang"])
async def test_sglang_finds_the_adapter_and_the_beginning(source: Source, recorder: Recorder) -> None:
    """Named as the model alone, an adapter is not found; said not to be continued, a beginning is the user's."""
    request = next(each for each in requests() if each.adapter)
    body = await recorder.streamed(request)
    assert source.ask("adapter", served="base", body=body) == "first"
    assert source.ask("adapter", served="base", body={"model": "first"}) is None
    seen, beginning = source.ask("continued", body=body)
    assert beginning == body["messages"][-1]["content"]
    assert seen == body["messages"][:-1]
    seen, beginning = source.ask("continued", body={name: body[name] for name in ("messages", "model")})
    assert (seen[-1]["role"], beginning) == ("user", None)


@pytest.mark.parametrize("kind", ["sglang"])
def test_sglang_tells_its_health_to_all_and_its_load_to_us(source: Source) -> None:
    assert source.ask("open_to_all", method="GET", path="/ready")
    assert not source.ask("open_to_all", method="POST", path="/abort_request")
    assert {"num_running_reqs", "num_waiting_reqs"} <= set(source.ask("load_words"))


@pytest.mark.parametrize("kind", ["lmdeploy"])
async def test_lmdeploy_continues_what_is_written(source: Source, recorder: Recorder, tmp_path: Path) -> None:
    model = tiny_tokenizer(tmp_path)
    for request in (each for each in requests() if each.written):
        body = await recorder.streamed(request)
        assert source.ask("prompt", model=model, messages=body["messages"]).endswith(body["messages"][-1]["content"])


@pytest.mark.parametrize("kind", ["lmdeploy"])
def test_lmdeploy_spells_tokens_as_we_read_them(source: Source, tmp_path: Path) -> None:
    told = source.ask("likeliest", model=tiny_tokenizer(tmp_path), drawn=300, others=[*range(0, 300, 7)])
    (only,) = told["logprobs"]["content"]
    texts = {spelled(each["token"]) for each in (only, *only["top_logprobs"])}
    assert texts == set(told["texts"].values())
    assert only["token"] not in {each["token"] for each in only["top_logprobs"]}, "it tells the drawn one twice now"


async def test_every_shape_is_compiled_soon_and_is_what_was_meant(
    source: Source, recorder: Recorder, tmp_path: Path
) -> None:
    """By the very code that compiles it there, from what arrives."""
    model = tiny_tokenizer(tmp_path)
    for request in requests():
        constraint, body = request.sampling["constraint"], await recorder.streamed(request)
        said = spelling.spelled(rest_of(request).shape, 7)
        wrong = [f"<b>{said}", said[: len(said) // 2] + "<"]
        wrong += [re.sub(r"\w", "湖", said)] if "opening" in constraint else []  # of its size, and all in one tone
        told = source.ask("compiles", model=model, body=body, texts=[said, *wrong])
        assert told["takes"] == [True] + [False] * len(wrong), constraint
        assert told["seconds"] < SOON, constraint


@pytest.mark.parametrize("kind", ["sglang"])
async def test_sglang_must_not_hold_shapes_with_llguidance(source: Source, recorder: Recorder) -> None:
    """It reads grammars of another dialect, which is why we name the library when we start it."""
    body = await recorder.streamed(
        next(each for each in requests() if each.sampling["constraint"]["form"] == "english")
    )
    with pytest.raises(Refused, match="Invalid escape"):
        source.ask("guides", body=body)


def test_every_command_line_is_read_as_it_is_meant(
    kind: str, source: Source, adapter: AdapterFiles, tmp_path: Path
) -> None:
    for plan in plans(adapter):
        launch = engine(kind).launch(plan)
        assert "hush" not in " ".join(launch.argv)
        told = source.ask("argv", words=started_with(launch, tmp_path))
        assert kept(meant(kind, plan), told)


def test_an_adapter_that_lmdeploy_would_misread_is_not_let_in(adapter: AdapterFiles) -> None:
    config = json.dumps(CONFIG | {"use_rslora": True})
    (adapter.folder / "adapter_config.json").write_text(config, encoding="utf-8")
    with pytest.raises(EngineError, match="use_rslora"):
        engine("lmdeploy").launch(Plan(Path(sys.executable), "base", 23001, adapters=(adapter,)))


def test_an_adapter_of_ours_is_read_as_it_is(opened: dict[str, Source], adapter: AdapterFiles) -> None:
    """And one word more than that is read as rank 8 with no modules: why such an adapter is not let in."""
    assert CONFIG.keys() == HEEDED | HARMLESS
    read = opened["peft"].ask("read", adapter=str(adapter.folder))
    assert read == {name: CONFIG[name] for name in HEEDED}
    config = adapter.folder / "adapter_config.json"
    config.write_text(json.dumps(CONFIG | {"kasa_config": None}), encoding="utf-8")
    assert opened["peft"].ask("read", adapter=str(adapter.folder))["r"] == 8


def test_the_stand_in_takes_the_fields_that_they_take(kind: str, source: Source) -> None:
    stored = Path(__file__).parent / "standins" / f"{kind}.json"
    assert json.loads(stored.read_text(encoding="utf-8")) == source.ask("fields")


def test_the_judge_sees_what_their_classes_do_not_say(kind: str, source: Source) -> None:
    """They refuse what is wrong, but pass over what they do not know and, LMDeploy, what it does not do."""
    body = {"model": "base", "messages": [{"role": "user", "content": "湖"}]}
    judge(kind, source, body)
    with pytest.raises(Refused):
        judge(kind, source, body | {"messages": "湖"})
    with pytest.raises(AssertionError):
        judge(kind, source, body | {"unheard_of": 1})
    if kind == "lmdeploy":
        with pytest.raises(KeyError, match="presence_penalty"):
            judge(kind, source, body | {"presence_penalty": 0.5})
