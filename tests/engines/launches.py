"""Plans of nodes, what a parser must make of each, and the words that the engine itself finds when it is started so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.engines.base import AdapterFiles, Launch, Plan
from inference.engines.sglang import TARGETS


def plans(adapter: AdapterFiles) -> Iterator[Plan]:
    python = Path(sys.executable)
    yield Plan(python, "/models/base", 23001)
    yield Plan(python, "/models/base", 23001, key="hush", served="base")
    yield Plan(
        python,
        "hub/base",
        23002,
        served="base",
        host="10.0.0.7",
        key="hush",
        context=4096,
        adapters=(adapter, replace(adapter, name="fedc")),
        most_adapters=5,
        rank=32,
        quantisation="awq",
        tensor_parallel=2,
    )


def meant(kind: str, plan: Plan) -> dict[str, Any]:
    """What their parser must make of a plan."""
    paths = [f"{adapter.name}={adapter.folder}" for adapter in plan.adapters]
    if kind == "lmdeploy":
        adapters = {adapter.name: str(adapter.folder) for adapter in plan.adapters}
        own = {"server_name": plan.host, "server_port": plan.port, "tp": plan.tensor_parallel, "backend": "pytorch"}
        own |= {"session_len": plan.context, "model_name": plan.served or None, "adapters": adapters or None}
        own |= {"model_format": plan.quantisation or None, "logprobs_mode": "raw_logprobs"}
        own |= {"enable_abort_handling": True, "enable_prefix_caching": True}
        return own | {"model_path": plan.model, "api_keys": [plan.key] if plan.key else None}
    own = {"host": plan.host, "port": plan.port, "tp_size": plan.tensor_parallel, "context_length": plan.context}
    own |= {"served_model_name": plan.served or None, "quantization": plan.quantisation or None}
    own |= {"enable_lora": True, "max_lora_rank": plan.rank, "lora_target_modules": list(TARGETS)}
    own |= {"max_loras_per_batch": plan.most_adapters + 1, "max_loaded_loras": plan.most_adapters + 1}
    own |= {"lora_paths": paths or None, "lora_strict_loading": True, "grammar_backend": "xgrammar"}
    return own | {"log_level": "warning", "model_path": plan.model, "api_key": plan.key or None}


SAYS = """
import json, multiprocessing, os, sys
def child(queue):
    queue.put("child")
if __name__ == "__main__":
    spawned = multiprocessing.get_context("spawn")
    queue = spawned.SimpleQueue()
    process = spawned.Process(target=child, args=(queue,))
    process.start()
    said = {"argv": sys.argv[1:], "child": queue.get(), "key": os.environ.get("ENGINE_KEY")}
    process.join()
    print(json.dumps(said))
"""


def started_with(launch: Launch, beside: Path) -> list[str]:
    """The words that the engine's own module finds in `sys.argv`.

    The process is started as the launch says, with a module in the engine's place that says its words, and starts a
    second process as engines do, which must not start all of it again.
    """
    for module in ("lmdeploy.py", "sglang/launch_server.py"):
        (beside / module).parent.mkdir(exist_ok=True)
        (beside / module).write_text(SAYS, encoding="utf-8")
    environment = os.environ | launch.environment | {"PYTHONPATH": str(beside)}
    done = subprocess.run(launch.argv, env=environment, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert (said["child"], said["key"]) == ("child", None)
    return list(said["argv"])
