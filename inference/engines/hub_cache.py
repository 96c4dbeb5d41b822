"""A hub's cache on disk that holds a base and adapters under names of ours, all of it links.

`transformers serve` finds models by a path or by a hub's name, and lists only what lies in the hub's cache. A PEFT
folder there, with the base's config and tokenizer beside it, is served as a model of its own.
"""

import json
import os
import re
import shutil
from pathlib import Path

from inference.engines.base import AdapterFiles, EngineError

BASE = "base"  # what the base is called where nobody called it otherwise
ADAPTER = "adapter/"  # what the names of adapters begin with
COMMIT = "0" * 40  # a hub's files lie under the commit they came from
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
CONFIG = "adapter_config.json"
OF_THE_BASE = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def place(port: int) -> Path:
    """Where the cache of the node on that port lies."""
    models = Path(os.environ.get("MODEL_CACHE", "").strip() or "~/.cache/bailu/models").expanduser()
    return models / "serve" / str(port)


def lay(folder: Path, base: Path, served: str, adapters: tuple[AdapterFiles, ...]) -> Path:
    """Make it anew."""
    if not (base / "config.json").is_file():
        raise EngineError("engine_refused", "the model must be a folder with a config.json")
    shutil.rmtree(folder, ignore_errors=True)
    base = base.resolve()
    _links(_model(folder, served or BASE), base, [path.name for path in base.iterdir() if path.is_file()])
    for adapter in adapters:
        model = _model(folder, ADAPTER + adapter.name)
        _links(model, base, [name for name in OF_THE_BASE if (base / name).is_file()])
        _links(model, adapter.folder.resolve(), ["adapter_model.safetensors"])
        config = json.loads((adapter.folder / CONFIG).read_text(encoding="utf-8"))
        # The weights that it is put on come from where this key says.
        (model / CONFIG).write_text(json.dumps(config | {"base_model_name_or_path": str(base)}), encoding="utf-8")
    return folder


def _model(folder: Path, name: str) -> Path:
    if not NAME.fullmatch(name) or "--" in name or ".." in name:
        raise EngineError("engine_refused", f"a hub has no model of the name {name[:80]}")
    model = folder / f"models--{name.replace('/', '--')}"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    (model / "snapshots" / COMMIT).mkdir(parents=True)
    return model / "snapshots" / COMMIT


def _links(model: Path, folder: Path, names: list[str]) -> None:
    for name in names:
        (model / name).symlink_to(folder / name)
