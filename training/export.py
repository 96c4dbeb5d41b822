"""An adapter for elsewhere: as it is, for llama.cpp, merged into its base, or merged and in four bits.

    python -m training.export peft  BASE ADAPTER OUT     the folder that every engine loads
    python -m training.export gguf  BASE ADAPTER OUT     for llama.cpp
    python -m training.export merge BASE ADAPTER OUT     one model, in the base's own precision
    python -m training.export gptq  BASE ADAPTER OUT     one model in four bits, for vLLM and LMDeploy
    python -m training.export awq   BASE ADAPTER OUT

BASE is a folder that `training.base` made, in float: an adapter is never merged into four bits. `gptq` and `awq` want
the environment of requirements-autoround.txt and are calibrated on poems under the house's prompts. What is one model
afterwards is read beside the base with the adapter on it, by the gate's poems and prose: more surprised than the gate
allows, it is not kept, and the exit code is 1. OUT appears whole or not at all; where something lies there, nothing is
done, and the exit code is 2.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference import gguf_adapter
from inference.adapters import CONFIG, WEIGHTS, AdapterError, check
from inference.request import Ask, Kind, messages
from inference.verse.check import SIZES
from training import measure, questions, unpacked
from training.batch import prompt_ids
from training.config import Config
from training.gate import Limits
from training.progress import say

FORMATS = {"gptq": "auto_gptq", "awq": "auto_awq"}  # in AutoRound's words
GROUP, BITS = 128, 4
BLOCK = 512  # tokens of a calibration sample
KEPT = ("r", "lora_alpha", "target_modules", "base_model_name_or_path", "use_rslora", "peft_type", "task_type", "bias")


def peft(base: Path, adapter: Path, out: Path) -> None:
    """With only what engines of any age understand; whatever else a trainer left in the folder stays there."""
    check(adapter, rslora=True)
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    told = {name: config[name] for name in KEPT if name in config} | {"lora_dropout": 0.0, "inference_mode": True}
    told["base_model_name_or_path"] = told.get("base_model_name_or_path") or base.name
    out.mkdir()
    shutil.copyfile(adapter / WEIGHTS, out / WEIGHTS)
    (out / CONFIG).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def gguf(base: Path, adapter: Path, out: Path) -> None:
    kind = json.loads((base / "config.json").read_text(encoding="utf-8"))["model_type"]
    gguf_adapter.convert(adapter, out / f"{adapter.name}.gguf", kind)


def merge(base: Path, adapter: Path, out: Path) -> None:
    """The base with the adapter's weights added to its own, in its own precision; added up in float32."""
    check(adapter, rslora=True)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    dtype = getattr(torch, json.loads((base / "config.json").read_text(encoding="utf-8"))["dtype"])
    plain: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    merged: Any = PeftModel.from_pretrained(plain, str(adapter)).merge_and_unload(safe_merge=True)
    merged.to(dtype).save_pretrained(out)
    tokenizer.save_pretrained(out)


def quantised(kind: str, base: Path, adapter: Path, out: Path, *, iterations: int, samples: int) -> None:
    """Merged first, then rounded to four bits so that each layer answers as it did."""
    from auto_round import AutoRound  # noqa: PLC0415 - in an environment of its own

    whole = out.with_name(f"{out.name}.whole")
    shutil.rmtree(whole, ignore_errors=True)
    merge(base, adapter, whole)
    tokenizer = AutoTokenizer.from_pretrained(whole, local_files_only=True)
    rounder = AutoRound(
        str(whole),
        tokenizer=tokenizer,
        bits=BITS,
        group_size=GROUP,
        sym=True,
        iters=iterations,
        dataset=calibration(tokenizer, samples),
        nsamples=samples,
        seqlen=BLOCK,
        device_map="cuda" if torch.cuda.is_available() else "cpu",
        seed=0,
    )
    rounder.quantize_and_save(str(whole / "rounded"), format=FORMATS[kind])
    (config,) = (whole / "rounded").rglob("quantization_config.json")
    config.parent.replace(out)  # it makes a folder of its own name
    tokenizer.save_pretrained(out)
    shutil.rmtree(whole)


def calibration(tokenizer: Any, samples: int) -> list[dict[str, torch.Tensor]]:
    """Blocks of well-known poems under the prompts that they would have had."""
    ids: list[int] = []
    for form, title, text in known():
        ids += prompt_ids(messages(Ask(Kind.POEM, form, title, "", "", "zh")), tokenizer)
        ids += [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        if len(ids) >= samples * BLOCK:
            break
    blocks = [ids[at : at + BLOCK] for at in range(0, len(ids) - BLOCK + 1, BLOCK)][:samples]
    ones = torch.ones(1, BLOCK, dtype=torch.long)
    return [{"input_ids": torch.tensor([block]), "attention_mask": ones} for block in blocks]


def known() -> Iterator[tuple[str, str, str]]:
    """Form, title and text of well-known regulated poems, less those by which the gate judges."""
    table = (resources.files("inference.verse") / "data" / "known.txt").read_text("utf-8")
    forms = {size: form for form, size in SIZES.items()}
    fixed = {poem["completions"][0]["text"] for poem in questions.poems().values()}
    for row in table.splitlines()[1:]:
        title, told = row.split("\t")[-2:]
        lines = told.split("/")
        form = forms.get((len(lines), len(lines[0])), "") if len(set(map(len, lines))) == 1 else ""
        text = "\n".join(f"{line}{'，。'[at % 2]}" for at, line in enumerate(lines))
        if form and text not in fixed:
            yield form, title, text


def compared(base: Path, adapter: Path, out: Path) -> dict[str, dict[str, float]]:
    """How surprising the gate's fixed texts are, in nats a token: to the base with the adapter on it, and to `out`."""
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        read = unpacked.write(out, Path(scratch) / "plain") if "quantization_config" in config else out
        told = {"before": _surprise(base, adapter), "after": _surprise(read, None)}
    return told | {"times": {name: math.exp(told["after"][name] - told["before"][name]) for name in told["after"]}}


def _surprise(folder: Path, adapter: Path | None) -> dict[str, float]:
    read = measure.Reader(Config(str(folder), "", grouped=False), []).read(adapter)
    return {"poems": measure.mean(read.poems), "general": measure.mean(read.general)}


def size_of(path: Path) -> int:
    """In bytes."""
    return sum(each.stat().st_size for each in path.rglob("*.safetensors"))


def serving(kind: str, base: Path, out: Path) -> str:
    """The commands that serve it."""
    vllm, lmdeploy = "python -m vllm.entrypoints.openai.api_server --model", "lmdeploy serve api_server"
    if kind == "gguf":
        return f"llama-server --model BASE.gguf --lora {out}/*.gguf"
    if kind == "peft":
        return (
            f"{vllm} {base} --enable-lora --max-lora-rank 64 --lora-modules {out.name}={out}\n"
            f"{lmdeploy} {base} --backend pytorch --adapters {out.name}={out}"
        )
    return f"{vllm} {out} --max-model-len 2048\n{lmdeploy} {out}{' --model-format ' + kind if kind in FORMATS else ''}"


def export(kind: str, base: Path, adapter: Path, out: Path, *, iterations: int, samples: int) -> dict[str, Any]:
    """What was made and how it compares; `times` is empty where nothing was rounded or added up.

    Raises FileExistsError: what lies in `out` may be somebody else's, or the only one of its kind.
    """
    if out.is_file() or (out.exists() and any(out.iterdir())):
        raise FileExistsError(f"{out} is not empty: name another folder, or remove it yourself")
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    told: dict[str, Any] = {"format": kind, "times": {}}
    if kind in FORMATS:
        quantised(kind, base, adapter, making, iterations=iterations, samples=samples)
    else:
        PLAIN[kind](base, adapter, making)
    if kind not in ("peft", "gguf"):
        told |= compared(base, adapter, making) | {"bytes": {"before": size_of(base), "after": size_of(making)}}
        (making / "export.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    told["passed"] = all(times <= Limits().perplexity for times in told["times"].values())
    if told["passed"]:
        making.replace(out)
    shutil.rmtree(making, ignore_errors=True)
    return told


PLAIN: dict[str, Callable[[Path, Path, Path], None]] = {"peft": peft, "gguf": gguf, "merge": merge}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 if it was made and keeps what the gate wants kept."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description="An adapter for elsewhere.")
    parser.add_argument("kind", choices=[*PLAIN, *FORMATS])
    for name, words in {
        "base": "a folder that training.base made",
        "adapter": "a PEFT folder",
        "out": "a folder",
    }.items():
        parser.add_argument(name, type=Path, help=words)
    parser.add_argument("--iterations", type=int, default=200, help="of rounding, a layer (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=128, help="blocks to calibrate on (default: %(default)s)")
    told = parser.parse_args(argv)
    base, adapter, out = (each.resolve() for each in (told.base, told.adapter, told.out))
    try:
        made = export(told.kind, base, adapter, out, iterations=told.iterations, samples=told.samples)
    except (AdapterError, FileExistsError) as fault:
        say(str(fault))
        return 2
    except ImportError as fault:
        say(f"{fault}: install requirements-autoround.txt")
        return 2
    sys.stdout.write(json.dumps(made, indent=1) + "\n")
    if made["passed"]:
        sys.stdout.write(f"{out}\nServe it with one of:\n{serving(told.kind, base, out)}\n")
    return 0 if made["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
