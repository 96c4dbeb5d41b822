"""What the peft that LMDeploy pins reads in an adapter's folder; runs in the process of `tests.engines.inside`."""

from pathlib import Path
from typing import Any

from tests.engines import inside


def read(folder: Path, adapter: str) -> dict[str, Any]:
    """Rank, scale and modules, as its `PeftConfig.from_pretrained` has them."""
    config = inside.theirs("peft", "PeftConfig").from_pretrained(adapter)
    return {"r": config.r, "lora_alpha": config.lora_alpha, "target_modules": sorted(config.target_modules or ())}
