"""The model that is trained: a base that stays as it is, and the LoRA on it; and the folder that the LoRA becomes."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, prepare_model_for_kbit_training
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from training import start
from training.config import Config

CPUINFO = Path("/proc/cpuinfo")


def device() -> torch.device:
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if torch.cuda.is_available() else CPU


CPU = torch.device("cpu")


def dtype_for(place: torch.device, config: Config) -> torch.dtype:
    """bfloat16 where a machine computes in it; without such units a CPU would take forty times as long."""
    has_units = place.type == "cuda" or _has_bfloat16(CPUINFO)
    wanted = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    return wanted.get(config.precision, torch.bfloat16 if has_units else torch.float32)


def _has_bfloat16(cpuinfo: Path) -> bool:
    try:
        return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(cpuinfo.read_text(encoding="utf-8").split()))
    except OSError:
        return False


def load(config: Config, place: torch.device) -> tuple[Any, Any]:
    """The base with a fresh adapter, and its tokenizer. The seed must be set: half of an adapter begins at random."""
    tokenizer = AutoTokenizer.from_pretrained(config.base, local_files_only=True)
    dtype = dtype_for(place, config)
    base: Any = AutoModelForCausalLM.from_pretrained(
        config.base,
        dtype=dtype,
        local_files_only=True,
        quantization_config=_four_bits(dtype) if config.quantised else None,
        device_map={"": place} if config.quantised else None,
    )
    if config.quantised:
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]
    else:
        base = base.to(place)
    if config.start:
        base = start.merged(base, config)
    # No dropout either way, so plain bases are left as if they only read; bitsandbytes packs its weights on a CPU for
    # reading alone once it is told so, and gradients no longer find their way through.
    return adapted(base, config).train(config.quantised), tokenizer


def _four_bits(dtype: torch.dtype) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def adapted(base: Any, config: Config) -> Any:
    """No dropout: a group in one pass must say what its texts say alone."""
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=list(config.targets),
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, lora)


def trained(model: Any) -> list[torch.nn.Parameter]:
    return [each for each in model.parameters() if each.requires_grad]


def write(model: Any, config: Config, folder: Path) -> None:
    """The adapter as a PEFT folder that appears whole or not at all, with only what engines of any age understand."""
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    told = get_peft_model_state_dict(model)
    weights = {name: each.detach().cpu().contiguous() for name, each in told.items()}
    if config.start:
        weights, config = start.stacked(weights, config)
    save_file(weights, making / "adapter_model.safetensors", metadata={"format": "pt"})
    said = json.dumps(_said(config), indent=2) + "\n"
    (making / "adapter_config.json").write_text(said, encoding="utf-8")
    for path in (*making.iterdir(), making):
        sync(path)
    shutil.rmtree(folder, ignore_errors=True)
    making.replace(folder)
    sync(folder.parent)


def _said(config: Config) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": config.served_as,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(config.targets),
        "inference_mode": True,
    }


def sync(path: Path) -> None:
    """Be sure that it is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
