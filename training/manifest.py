"""What an adapter was made of, so that anybody can make it again: config, digests, code, versions, counts."""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import tomllib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference.adapters import digest_of
from training.batch import Data
from training.config import Config
from training.probe import Verdict

LIBRARIES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "numpy", "bitsandbytes")
WEIGHTS = ("*.safetensors", "config.json")
ROOT = Path(__file__).resolve().parent.parent


def digests(config: Config, tokenizer: Any, data: Data) -> dict[str, str]:
    template = f"{tokenizer.chat_template}\n{tokenizer.eos_token_id}"
    told = {
        "base": base_digest(Path(config.base)),
        "template": hashlib.sha256(template.encode()).hexdigest(),
        "data": data.digest,
    }
    return told | ({"start": digest_of(Path(config.start))} if config.start else {})


def base_digest(base: Path) -> str:
    """Of the weights and their config, by name and content."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in WEIGHTS for path in base.glob(pattern)}):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def mark(config: Config, made_of: dict[str, str]) -> str:
    """Changes with everything that changes the result. A new deadline or more threads do not."""
    told = config.as_json()
    for name in ("finish_by", "threads", "niceness", "checkpoint_every", "base", "start", "frozen"):
        del told[name]
    return hashlib.sha256(json.dumps([told, made_of], sort_keys=True).encode()).hexdigest()


def manifest(config: Config, made_of: dict[str, str], data: Data, verdict: Verdict, model: Any) -> dict[str, Any]:
    return {
        "config": config.as_json(),
        "digests": made_of,
        "code": code_version(),
        "versions": {"python": platform.python_version(), **_versions()},
        "counts": dict(sorted(data.counts.items())),
        "grouped": asdict(verdict),
        "architecture": model.config.model_type,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
    }


def code_version(root: Path = ROOT) -> str:
    """The commit, and whether something was changed since; of code that lies there without its history the version."""
    if (root / ".git").exists():
        git = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        with suppress(OSError, subprocess.CalledProcessError):  # no git, or the house of another user
            return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
    with suppress(OSError, KeyError, tomllib.TOMLDecodeError):
        return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    return ""


def _versions() -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
