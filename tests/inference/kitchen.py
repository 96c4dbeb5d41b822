"""A place to try the supply of model files in: a small file for hubs, mirrors and wheels to hold, and what was said."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inference.models.catalogue import KNOWN, ModelFile
from inference.supply import Supply
from tests.inference.hub import Hub, played_hub

BODY = bytes(range(256)) * 4096 * 3  # 3 MiB: several chunks
SHA = hashlib.sha256(BODY).hexdigest()
REPO = "Qwen/Tiny-GGUF"
FILE = "tiny.gguf"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with played_hub() as played:
        yield played


@dataclass
class Kitchen:
    """A supply for one test, and what it said."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def want(self, **changed: object) -> ModelFile:
        values: dict[str, object] = {"name": "tiny", "file": FILE, "size": len(BODY), "sha256": SHA, "repo": REPO}
        return ModelFile(**{**values, "remote": FILE, **changed})  # type: ignore[arg-type]

    def supply(self, *, face: str = NOWHERE, scope: str = NOWHERE, mirror: str = "") -> Supply:
        return Supply(cache=self.folder, mirror=mirror, hugging_face=face, modelscope=scope, say=self.said.append)

    def target(self) -> Path:
        return self.folder / FILE


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    made = Kitchen(tmp_path / "cache")
    monkeypatch.setitem(KNOWN, "tiny", made.want())
    return made
