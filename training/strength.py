"""An adapter at a part of its strength: the same weights in a folder of their own, its alpha smaller."""

import json
import os
import shutil
from pathlib import Path

from inference.adapters import CONFIG, WEIGHTS


def scaled(folder: Path, out: Path, scale: float) -> Path:
    """The adapter at `scale` times its strength, in `out`; at full strength the folder itself."""
    if scale == 1.0:
        return folder
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config["lora_alpha"] *= scale
    making = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    shutil.copyfile(folder / WEIGHTS, making / WEIGHTS)
    (making / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    return making.replace(out)
