"""The model that both sides of `bench.training` learn with, the same texts, and how a step is measured."""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import torch  # noqa: TID253 (a process that trains)
from transformers import AutoModelForCausalLM, Qwen2Config  # noqa: TID253 (the same)

from training.config import Config

CONFIG = Config(base="", served_as="", nll=0.0)
SHAPE: dict[str, Any] = {
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 4864,
    "vocab_size": 151936,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "bos_token_id": None,
}


def sizes() -> tuple[int, int, int]:
    """Of prompt and text, and how many texts; threads are set on the way."""
    prompt, text, texts, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    return prompt, text, texts


def base() -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(Qwen2Config(**SHAPE)).float()  # type: ignore[no-untyped-call]


def some(seed: int, count: int) -> tuple[int, ...]:
    dice = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(1000, 150000, (count,), generator=dice).tolist())


def measure(step: Callable[[], None], pairs: int) -> None:
    """Once warm, once measured; the last line printed is the figures."""
    step()
    wall, cpu = time.monotonic(), time.process_time()
    step()
    told = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall, "pairs": pairs}
    print(json.dumps(told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
