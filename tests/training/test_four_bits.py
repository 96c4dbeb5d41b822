"""A model in four bits, as an export leaves it: vLLM computes with the very weights that an export is judged by."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Qwen2Config

from inference.engines import engine
from inference.engines.base import Node, Plan
from tests.engines.servers import Server
from tests.engines.stand_vllm import PYTHON
from tests.engines.stands import PATIENT
from tests.processes import free_port
from tests.training import tiny_base
from training import unpacked

pytestmark = [pytest.mark.engine, pytest.mark.heavy, pytest.mark.timeout(300)]
GROUP = 128
WIDE = tiny_base.SHAPE | {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4}
SAYS: dict[str, dict[str, Any]] = {
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False, "sym": True},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"},
}
TEXT = "rain on the lake"


@pytest.mark.parametrize("kind", ["gptq", "awq"])
def test_vllm_reads_them_as_we_do(kind: str, tmp_path: Path) -> None:
    folder = packed_model(tmp_path / kind, kind)
    ours = by_ourselves(unpacked.write(folder, tmp_path / "plain"))
    port = free_port()
    node = Node("vllm", "vllm", f"http://127.0.0.1:{port}", "", "four", 2, limits=PATIENT)
    plan = Plan(PYTHON, str(folder), port, "four", quantisation=kind, context=512, capacity=2)
    server = Server(node, engine("vllm").launch(plan), tmp_path / "log")
    try:
        server.wait()
        theirs = asyncio.run(by_vllm(node))
    finally:
        server.stop()
    assert theirs == pytest.approx(ours, rel=0.03)  # it counts in bfloat16
    assert torch.tensor(ours).std() > 0.5, "so flat that any weights would do"


def packed_model(folder: Path, kind: str) -> Path:
    """A tiny model whose matrices are random numbers of four bits."""
    made = tiny_base.model(Qwen2Config(**WIDE))
    torch.manual_seed(1)
    weights: dict[str, torch.Tensor] = {}
    for name, each in made.state_dict().items():
        if name.endswith("_proj.weight"):
            weights |= _packed(name.removesuffix(".weight"), each, kind)
        elif name != "lm_head.weight":  # it is the embedding
            weights[name] = (each * (8 if "embed" in name else 1)).half().contiguous()
    tiny_base.write(folder, made)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"dtype": "float16", "quantization_config": SAYS[kind]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _packed(stem: str, instead_of: torch.Tensor, kind: str) -> dict[str, torch.Tensor]:
    """Words that are drawn by chance: each holds eight numbers, whatever it is. Symmetric: what is taken off is 8."""
    outputs, inputs = instead_of.shape
    rows, columns = (inputs // 8, outputs) if kind == "gptq" else (inputs, outputs // 8)
    groups = inputs // GROUP
    zero = 0x77777777 if kind == "gptq" else -0x77777778  # stored less one there; 0x88888888, with its sign
    words = {
        "qweight": torch.randint(-(1 << 31), 1 << 31, (rows, columns), dtype=torch.int64).to(torch.int32),
        "qzeros": torch.full((groups, outputs // 8), zero, dtype=torch.int32),
        "scales": torch.rand(groups, outputs).mul(0.02).half(),
    }
    words |= {"g_idx": (torch.arange(inputs) // GROUP).to(torch.int32)} if kind == "gptq" else {}
    return {f"{stem}.{name}": each.contiguous() for name, each in words.items()}


def by_ourselves(folder: Path) -> list[float]:
    """The log-probability of each token of the text after the first."""
    ids = tiny_base.tokenizer()(TEXT, return_tensors="pt")["input_ids"]
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        chances = model(ids).logits.log_softmax(-1)[0]
    return [float(chances[at, ids[0, at + 1]]) for at in range(ids.shape[1] - 1)]


async def by_vllm(node: Node) -> list[float]:
    asked = {"model": node.model, "prompt": TEXT, "max_tokens": 1, "prompt_logprobs": 0}
    async with aiohttp.ClientSession() as http, http.post(f"{node.url}/v1/completions", json=asked) as answer:
        told = await answer.json()
    return [next(iter(each.values()))["logprob"] for each in told["choices"][0]["prompt_logprobs"][1:]]
