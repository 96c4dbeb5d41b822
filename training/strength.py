"""An adapter at a part of its strength: the same weights in a folder of their own, its alpha smaller.

And an adapter where a node may read it for as long as it is tried: a run's own folder is nobody else's.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def staged(folder: Path, place: Path) -> Iterator[Path]:
    """The adapter in `place`, which is gone afterwards; a kill leaves it there for the next try, or for the sweep."""
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        shutil.copytree(folder, place)
        os.utime(place)  # not of the age that was copied with it: what is old there is swept
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
