"""The 0.5B as safetensors against llama.cpp's own reading of the file: the same tokens, the same first thoughts."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.engines.base import Node
from inference.request import Ask, Kind, messages
from tests.processes_inference import model_file, real_engine
from training.base import base_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
CLOSE = 0.08  # nat; 0.055 was seen, and 0.102 with the coarser matrix for the tied one
CHATS = [
    messages(Ask(Kind.POEM, "wujue", "湖上的晨雾", "", "", "zh")),
    messages(Ask(Kind.LINE, "", "雨后的街", "白露", "", "zh")),
    messages(Ask(Kind.POEM, "english", "the lake at dawn", "", "", "en")),
    [{"role": "user", "content": "What do you see?\n\nOne line, please."}],
]
TEXTS = [
    "晨雾起平湖，\n轻舟入画图。",
    "Hello,  world!\n\n\n  It's 2026, don't  \t stop.",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|><tool_call>{}</tool_call><|fim_prefix|>[PAD151665]",
    "𠮷野家🌙\r\n……——「」1234567 ١٢٣",
    "naïve café  ",
    " \n ",
    "",
]


def told(node: Node, path: str, body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode()
    request = urllib.request.Request(node.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def folder() -> Path:
    return base_of(model_file())


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with real_engine("--cold") as started:
        yield started


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def likeliest(node: Node, tokenizer: Any) -> list[tuple[Any, dict[int, float]]]:
    """What each chat is read as, and llama.cpp's twenty likeliest first tokens of its answer."""
    found = []
    for chat in CHATS:
        body = {"messages": chat, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
        first = told(node, "/v1/chat/completions", body)["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        read = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        found.append((read, {each["id"]: each["logprob"] for each in first}))
    return found


@pytest.fixture
def model(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def apart(model: Any, likeliest: list[tuple[Any, dict[int, float]]]) -> float:
    """The mean difference at llama.cpp's likeliest tokens, in nat."""
    differences = []
    for read, theirs in likeliest:
        with torch.no_grad():
            ours = torch.log_softmax(model(**read, logits_to_keep=1).logits[0, -1], dim=-1)
        differences += [abs(float(ours[token]) - value) for token, value in theirs.items()]
    return fmean(differences)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_tokens(node: Node, tokenizer: Any, text: str) -> None:
    theirs = told(node, "/tokenize", {"content": text, "parse_special": True, "add_special": True})["tokens"]
    assert tokenizer.encode(text) == theirs
    assert tokenizer.decode(theirs) == text


@pytest.mark.parametrize("chat", CHATS)
def test_a_chat_is_the_same_text(node: Node, tokenizer: Any, chat: list[dict[str, str]]) -> None:
    theirs = told(node, "/apply-template", {"messages": chat})["prompt"]
    assert tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) == theirs


def test_it_thinks_as_llamacpp_does(model: Any, likeliest: list[tuple[Any, dict[int, float]]]) -> None:
    difference = apart(model, likeliest)
    print(f"\nfirst tokens: {difference:.3f} nat apart")
    assert difference < CLOSE


def test_rows_in_llamas_order_would_be_seen(model: Any, likeliest: list[tuple[Any, dict[int, float]]]) -> None:
    """The order that a GGUF of a Llama has them in."""
    for layer in model.model.layers:
        weight = layer.self_attn.q_proj.weight.data
        heads = weight.view(model.config.num_attention_heads, -1, 2, weight.shape[1])
        layer.self_attn.q_proj.weight.data = heads.transpose(1, 2).reshape(weight.shape)
    assert apart(model, likeliest) > CLOSE


def test_the_coarser_matrix_at_the_output_would_be_seen(
    model: Any, likeliest: list[tuple[Any, dict[int, float]]]
) -> None:
    found = {tensor.name: tensor for tensor in gguf.GGUFReader(model_file()).tensors}
    coarse = found["token_embd.weight"]
    model.model.embed_tokens.weight.data = torch.from_numpy(gguf.dequantize(coarse.data, coarse.tensor_type))
    model.tie_weights()
    difference = apart(model, likeliest)
    print(f"\nfirst tokens: {difference:.3f} nat apart by the coarser matrix")
    assert difference > CLOSE
