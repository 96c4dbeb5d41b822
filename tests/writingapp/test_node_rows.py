"""Nodes as rows: what the settings say, what an operator changes at a terminal, and where their keys come from."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inference.sse import Limits
from writingapp.keys import key
from writingapp.management.commands import keep_nodes
from writingapp.models import EngineNode
from writingapp.services import nodes
from writingapp.services.nodes import BadNode

pytestmark = pytest.mark.django_db
GPU = {"kind": "vllm", "url": "http://10.0.0.5:8000"}
TWO = """
[[node]]
name = "gpu-1"
kind = "vllm"
url = "http://10.0.0.5:8000"
secret = "GPU_KEY"
model = "qwen"
capacity = 64
weight = 2.0

[[node]]
name = "gpu-2"
kind = "sglang"
managed = true
host = "b"
plan = { model = "/models/qwen", tensor_parallel = 2 }
"""


def names() -> set[str]:
    return set(EngineNode.objects.values_list("name", flat=True))


def file_of(settings: Any, folder: Path, text: str) -> None:
    (folder / "nodes.toml").write_text(text, encoding="utf-8")
    settings.ENGINE_NODES = str(folder / "nodes.toml")


# --- from the settings
def test_one_engine_of_the_settings_is_one_external_node(settings: Any) -> None:
    settings.ENGINE_KIND, settings.ENGINE_URL, settings.ENGINE_CAPACITY = "vllm", "http://gpu:8000", 48
    (row,) = nodes.sync()
    assert (row.name, row.url, row.capacity, row.managed, row.secret) == (
        "vllm",
        "http://gpu:8000",
        48,
        False,
        "ENGINE_KEY",
    )


def test_no_engine_at_all_is_the_embedded_one_which_only_its_keeper_places(settings: Any, tmp_path: Path) -> None:
    settings.ENGINE_URL, settings.ENGINE_KIND = "", "llamacpp"
    (row,) = nodes.sync(model=tmp_path / "m.gguf")
    assert (row.name, row.managed, row.plan["model"]) == ("embedded", True, str(tmp_path / "m.gguf"))
    assert nodes.standing() == []  # nothing listens yet
    EngineNode.objects.update(url="http://127.0.0.1:8071")
    (again,) = nodes.sync()  # a worker does not know the file
    assert again.plan == row.plan
    assert [node.url for node in nodes.standing()] == ["http://127.0.0.1:8071"]


def test_which_nodes_see_is_said_by_the_settings_a_file_or_at_a_terminal(settings: Any, tmp_path: Path) -> None:
    settings.ENGINE_KIND, settings.ENGINE_URL, settings.ENGINE_SEES = "vllm", "http://gpu:8000", True
    assert [row.sees for row in nodes.sync()] == [True]
    assert nodes.any_sees()
    nodes.turn(name="vllm", state=EngineNode.State.DRAINING)
    assert not nodes.any_sees()
    file_of(settings, tmp_path, "[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\nsees = true\n")
    assert [row.sees for row in nodes.sync()] == [True]
    assert [node.sees for node in nodes.standing()] == [True]
    assert "; sees" not in said("put", "a", "--no-sees")
    assert "; sees" in said("put", "a", "--sees")
    with pytest.raises(BadNode, match="llamacpp"):
        nodes.put(name="b", kind="llamacpp", url="http://b:1", sees=True)


def test_a_file_names_many_and_what_it_drops_is_let_go(settings: Any, tmp_path: Path) -> None:
    file_of(settings, tmp_path, TWO)
    first, second = nodes.sync()
    assert (first.capacity, first.weight, first.secret) == (64, 2.0, "GPU_KEY")
    assert (second.managed, second.host, second.plan) == (True, "b", {"model": "/models/qwen", "tensor_parallel": 2})
    nodes.put(name="by-hand", **GPU)
    file_of(settings, tmp_path, TWO.split("\n\n")[0])
    nodes.sync()
    assert names() == {"gpu-1", "by-hand"}


def test_reading_the_same_settings_again_writes_nothing(settings: Any, tmp_path: Path) -> None:
    file_of(settings, tmp_path, TWO)
    before = [row.updated_at for row in nodes.sync()]
    nodes.turn(name="gpu-1", state="draining")
    nodes.sync()
    assert [row.updated_at for row in EngineNode.objects.all()] == before
    assert EngineNode.objects.get(pk="gpu-1").state == "draining"  # the operator's, not the file's


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[node]", "nodes.toml"),
        ("[[node]]\nkind = 'vllm'\n", "name"),
        ("node = 3\n", "name"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\nport = 3\n", "no field port"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\norigin = 'hand'\n", "no field origin"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\ncapacity = inf\n", "a: "),
        ("[[node]]\nname = 'a'\nkind = 'oracle'\nurl = 'http://a:1'\n", "kind"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\n", "url"),
        ("[[node]]\nname = 'A b'\nkind = 'vllm'\nurl = 'http://a:1'\n", "name"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'file:///etc/passwd'\n", "url"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\ncapacity = 0\n", "capacity"),
        ("[[node]]\nname = 'a'\nkind = 'vllm'\nurl = 'http://a:1'\nplan = 'fast'\n", "plan"),
    ],
)
def test_a_bad_description_says_what_is_bad_and_changes_nothing(
    settings: Any, tmp_path: Path, text: str, words: str
) -> None:
    nodes.put(name="old", origin=EngineNode.Origin.SETTINGS, **GPU)
    file_of(settings, tmp_path, text)
    with pytest.raises(BadNode, match=words):
        nodes.sync()
    assert names() == {"old"}


def test_a_process_that_was_told_of_no_engine_takes_none_from_the_house(settings: Any, tmp_path: Path) -> None:
    file_of(settings, tmp_path, TWO)
    nodes.sync()
    settings.ENGINE_NODES, settings.ENGINE_URL = "", ""  # a worker, or a keeper, of a second host
    assert [row.name for row in nodes.sync()] == ["gpu-1", "gpu-2"]
    assert names() == {"gpu-1", "gpu-2"}
    nodes.sync(model=tmp_path / "m.gguf")  # the embedded engine is asked for by name
    assert names() == {"embedded"}


def test_a_process_that_was_told_of_no_engine_makes_none(settings: Any) -> None:
    settings.ENGINE_NODES, settings.ENGINE_URL = "", ""
    assert nodes.sync() == []
    assert names() == set()


def test_a_file_in_another_encoding_is_said_and_changes_nothing(settings: Any, tmp_path: Path) -> None:
    nodes.put(name="old", origin=EngineNode.Origin.SETTINGS, **GPU)
    (tmp_path / "nodes.toml").write_bytes('[[node]]\nname = "湖"\n'.encode("gbk"))
    settings.ENGINE_NODES = str(tmp_path / "nodes.toml")
    with pytest.raises(BadNode, match=r"nodes\.toml"):
        nodes.sync()
    assert names() == {"old"}


def test_a_keeper_with_a_bad_file_keeps_what_the_rows_say(settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings.DATA_DIR, kept = tmp_path, []

    async def keep() -> None:
        kept.append(True)

    monkeypatch.setattr(keep_nodes, "_keep", keep)
    file_of(settings, tmp_path, "[[node]")
    complaint = StringIO()
    call_command("keep_nodes", stderr=complaint)
    assert kept
    assert "nodes.toml" in complaint.getvalue()


def test_a_file_that_is_not_there_is_said(settings: Any, tmp_path: Path) -> None:
    settings.ENGINE_NODES = str(tmp_path / "nowhere.toml")
    with pytest.raises(BadNode, match="nowhere"):
        nodes.sync()


# --- as workers see them
def test_a_row_becomes_a_node_with_its_key_and_what_was_proved_there(settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("GPU_KEY", "sesame")
    settings.ENGINE_FIRST_SECONDS, settings.ENGINE_BETWEEN_SECONDS = 7, 3
    row = nodes.put(name="gpu-1", secret="GPU_KEY", model="qwen", **GPU)
    row.adapters = {"a": {"state": "proved"}, "b": {"state": "failed"}}
    node = nodes.node_of(row)
    assert (node.key, node.model, node.adapters) == ("sesame", "qwen", frozenset({"a"}))
    assert node.limits == Limits(first=7, between=3)


def test_a_node_that_is_off_is_not_used_and_a_draining_one_is_marked() -> None:
    for name in ("a", "b", "c"):
        nodes.put(name=name, **GPU)
    nodes.turn(name="a", state="off")
    nodes.turn(name="b", state="draining")
    assert [(node.name, node.draining) for node in nodes.standing()] == [("b", True), ("c", False)]


# --- keys
def test_a_key_is_in_the_environment_or_in_a_file_and_nowhere_else(
    settings: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    settings.KEYS = tmp_path
    assert key("GPU_KEY") == ""
    (tmp_path / "GPU_KEY").write_text("from a file\n")
    assert key("GPU_KEY") == "from a file"
    monkeypatch.setenv("GPU_KEY", "from the environment")
    assert key("GPU_KEY") == "from the environment"


@pytest.mark.parametrize("name", ["", "../secret_key", "/etc/passwd", "a/b", ".hidden", "湖"])
def test_a_key_s_name_leads_nowhere_else(settings: Any, tmp_path: Path, name: str) -> None:
    settings.KEYS = tmp_path / "keys"
    (tmp_path / "secret_key").write_text("not yours")
    assert key(name) == ""


# --- at a terminal
def said(*words: str) -> str:
    out = StringIO()
    call_command("nodes", *words, stdout=out)
    return out.getvalue()


def test_a_node_is_added_changed_drained_and_removed() -> None:
    assert "gpu-9" in said("put", "gpu-9", "--kind", "vllm", "--url", "http://gpu-9:8000", "--capacity", "64")
    assert "gpu-9" in said("put", "gpu-9", "--weight", "0.5")
    row = EngineNode.objects.get(pk="gpu-9")
    assert (row.capacity, row.weight, row.origin) == (64, 0.5, "hand")
    assert "draining" in said("drain", "gpu-9")
    assert "active" in said("resume", "gpu-9")
    assert "off" in said("off", "gpu-9")
    assert said("remove", "gpu-9") == ""


@pytest.mark.parametrize(
    "words", [("drain", "nobody"), ("remove", "nobody"), ("put", "a", "--kind", "vllm"), ("put", "a", "--kind", "x")]
)
def test_what_cannot_be_done_is_said_without_a_traceback(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"nobody|a: "):
        said(*words)
