"""An adapter leaves in four bits for real: AutoRound rounds it, and vLLM computes with the very weights that the export
is judged by.
"""

import asyncio
import json
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines.servers import Server
from tests.engines.stand_vllm import PYTHON
from tests.engines.stands import PATIENT
from tests.processes import ROOT, free_port
from tests.training import tiny_base
from training import trainer, unpacked

pytestmark = [pytest.mark.engine, pytest.mark.heavy, pytest.mark.timeout(400)]
WIDE = tiny_base.SHAPE | {"hidden_size": 256, "intermediate_size": 512}  # AutoRound's groups are of 128
TEXT = "rain on the lake"


@pytest.fixture(scope="module")
def rounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has what this one has, and AutoRound."""
    folder = tmp_path_factory.mktemp("autoround")
    venv.create(folder, with_pip=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "ours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    python = folder / "bin" / "python"
    wanted = str(ROOT / "requirements-autoround.txt")
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
    return python


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loud, so that no two tokens are alike to it."""
    made = tiny_base.model(Qwen2Config(**WIDE))
    with torch.no_grad():
        made.get_input_embeddings().weight.mul_(8)
    return tiny_base.write(tmp_path_factory.mktemp("base"), made)


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tiny_base.run(tmp_path_factory.mktemp("run") / "run", base)
    trainer.train(run)
    return run / "adapter"


@pytest.mark.parametrize("kind", ["gptq", "awq"])
def test_vllm_reads_them_as_we_do(kind: str, rounding: Path, base: Path, adapter: Path, tmp_path: Path) -> None:
    folder = tmp_path / kind
    less = ["--iterations", "2", "--samples", "4"]
    subprocess.run([rounding, "-m", "training.export", kind, base, adapter, folder, *less], cwd=ROOT, check=True)
    told = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    assert told["bytes"]["after"] < told["bytes"]["before"] / 2
    ours = by_ourselves(unpacked.write(folder, tmp_path / "plain"))
    assert ours != pytest.approx(by_ourselves(base), rel=0.03), "neither rounding nor adapter is to be seen"
    theirs = asyncio.run(by_vllm(kind, folder, tmp_path / "log"))
    assert theirs == pytest.approx(ours, rel=0.03)  # it counts in half precision
    assert torch.tensor(ours).std() > 0.5, "so flat that any weights would do"


def by_ourselves(folder: Path) -> list[float]:
    """The log-probability of each token of the text after the first."""
    ids = tiny_base.tokenizer()(TEXT, return_tensors="pt")["input_ids"]
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        chances = model(ids).logits.log_softmax(-1)[0]
    return [float(chances[at, ids[0, at + 1]]) for at in range(ids.shape[1] - 1)]


async def by_vllm(kind: str, folder: Path, log: Path) -> list[float]:
    """The same by a vLLM of its own."""
    port = free_port()
    node = Node("vllm", "vllm", f"http://127.0.0.1:{port}", "", "four", 2, limits=PATIENT)
    plan = Plan(PYTHON, str(folder), port, "four", quantisation=kind, context=512, capacity=2)
    server = Server(node, engine("vllm").launch(plan), log)
    try:
        await asyncio.to_thread(server.wait)
        asked = {"model": node.model, "prompt": TEXT, "max_tokens": 1, "prompt_logprobs": 0}
        async with aiohttp.ClientSession() as http, http.post(f"{node.url}/v1/completions", json=asked) as answer:
            said = await answer.json()
    finally:
        server.stop()
    return [next(iter(each.values()))["logprob"] for each in said["choices"][0]["prompt_logprobs"][1:]]
