"""The index of all poems is made beside the house, only if it is wanted and not there; it stops with the house."""

import socket
from pathlib import Path

import pytest

from inference.verse.known import index_path
from ops.gathering import gathering
from ops.house import ROOT
from ops.supervision import Places


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MODEL_MIRROR", raising=False)
    found = Places(root=ROOT, state=tmp_path / "run", logs=tmp_path / "logs")
    found.make()
    return found


def test_it_asks_the_registry_and_is_stopped_with_the_house(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as registry:
        monkeypatch.setenv("NPM_REGISTRY", f"http://127.0.0.1:{registry.getsockname()[1]}")
        with gathering(places, wanted=True):
            asking, _ = registry.accept()
            assert asking.recv(1000).startswith(b"GET /chinese-poetry/-/chinese-poetry-2.0.1.tgz ")
        with asking:
            assert asking.recv(1000) == b""
    assert "poems.log" in capsys.readouterr().out


def test_it_is_left_out_where_it_is_not_wanted_or_stands(places: Places) -> None:
    with gathering(places, wanted=False):
        assert not (places.logs / "poems.log").exists()
    index_path().parent.mkdir()
    index_path().write_bytes(b"")
    with gathering(places, wanted=True):
        assert not (places.logs / "poems.log").exists()
