"""Model files: proved byte by byte, whatever their source does. The hubs are played by a server of our own."""

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.models import catalogue, gguf, partial
from inference.models.catalogue import KNOWN
from inference.models.trouble import SupplyError
from inference.supply import Supply
from tests.inference.hub import Hub
from tests.inference.kitchen import BODY, FILE, REPO, SHA, Kitchen, english, hub, kitchen

__all__ = ["english", "hub", "kitchen"]  # fixtures

pytestmark = pytest.mark.usefixtures("english")

# --- over HTTP -------------------------------------------------------------------------------------------------------


def test_it_fetches_from_hugging_face_and_lays_nothing_else_down(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY)
    path = kitchen.supply(face=hub.url).find("tiny")
    assert path == kitchen.target()
    assert path.read_bytes() == BODY
    assert sorted(left.name for left in kitchen.folder.iterdir()) == [FILE, f"{FILE}.lock", f"{FILE}.verified"]


def test_it_goes_on_to_modelscope_when_hugging_face_is_not_there(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/models/{REPO}/resolve/master/{FILE}", BODY)
    assert kitchen.supply(scope=hub.url).find("tiny").read_bytes() == BODY
    assert any("Hugging Face: cannot be reached" in line for line in kitchen.said)


def test_a_redirect_to_another_host_is_followed(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve("/cdn/blob", BODY)
    hub.redirect(f"/{REPO}/resolve/main/{FILE}", f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/blob")
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY


def test_a_second_time_nothing_is_asked_and_nothing_is_hashed(
    hub: Hub, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY)
    kitchen.supply(face=hub.url).find("tiny")
    hub.requests.clear()
    monkeypatch.setattr("inference.supply.sha256_of", lambda path: pytest.fail("it was hashed again"))
    kitchen.supply(face=hub.url).find("tiny")
    assert hub.requests == []


def test_a_broken_connection_goes_on_where_it_broke(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY, cut_after=[1_500_000, 700_000])
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY
    starts = [request.start for request in hub.requests]
    assert len(starts) == 3
    assert starts[0] is None
    assert 0 < (starts[1] or 0) < (starts[2] or 0)


def test_what_one_hub_began_another_finishes(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY, cut_after=[1_500_000], then_status=503)
    hub.serve(f"/models/{REPO}/resolve/master/{FILE}", BODY)
    assert kitchen.supply(face=hub.url, scope=hub.url).find("tiny").read_bytes() == BODY
    assert hub.requests[-1].path.startswith("/models/")
    assert (hub.requests[-1].start or 0) > 0


def test_a_server_without_ranges_is_read_from_the_start(hub: Hub, kitchen: Kitchen) -> None:
    kitchen.folder.mkdir()
    (kitchen.folder / f"{FILE}.partial").write_bytes(BODY[:1000])
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY, ranges=False)
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY


def test_corrupt_bytes_are_refused_and_fetched_again(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", b"x" + BODY[1:], then=BODY)
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY
    assert "Hugging Face: sent other bytes than the known ones; refused." in kitchen.said


def test_a_source_that_always_sends_wrong_bytes_is_left_for_the_next(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", b"x" + BODY[1:])
    hub.serve(f"/models/{REPO}/resolve/master/{FILE}", BODY)
    assert kitchen.supply(face=hub.url, scope=hub.url).find("tiny").read_bytes() == BODY


@pytest.mark.parametrize("other", [BODY[:-1], BODY + b"more"])
def test_a_file_of_another_size_is_refused_before_it_is_read(hub: Hub, kitchen: Kitchen, other: bytes) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", other)
    with pytest.raises(SupplyError, match=f"has a file of another size \\({len(other)} bytes\\)"):
        kitchen.supply(face=hub.url).find("tiny")
    assert not kitchen.target().exists()


def test_nowhere_says_every_reason_and_where_to_put_the_file(kitchen: Kitchen) -> None:
    with pytest.raises(SupplyError) as refused:
        kitchen.supply().find("tiny")
    said = str(refused.value)
    assert "Hugging Face: cannot be reached" in said
    assert "ModelScope: cannot be reached" in said
    assert SHA in said
    assert str(kitchen.folder) in said


def test_a_mirror_is_asked_first(hub: Hub, kitchen: Kitchen) -> None:
    hub.serve(f"/models/here/{FILE}", BODY)
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY)
    kitchen.supply(face=hub.url, mirror=f"{hub.url}/models/here/").find("tiny")
    assert [request.path for request in hub.requests] == [f"/models/here/{FILE}"]


def test_a_mirror_folder_is_copied_and_proved(kitchen: Kitchen, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(BODY)
    assert kitchen.supply(mirror=str(tmp_path)).find("tiny").read_bytes() == BODY
    assert (tmp_path / FILE).exists()


# --- the cache -------------------------------------------------------------------------------------------------------


def test_a_file_put_there_by_hand_is_proved_once(kitchen: Kitchen) -> None:
    kitchen.folder.mkdir()
    kitchen.target().write_bytes(BODY)
    assert kitchen.supply().find("tiny") == kitchen.target()
    assert partial.remembered(kitchen.target()) == SHA


@pytest.mark.parametrize("damage", [BODY[:100], b"y" + BODY[1:], b""])
def test_a_damaged_file_in_the_cache_is_fetched_again(hub: Hub, kitchen: Kitchen, damage: bytes) -> None:
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY)
    kitchen.supply(face=hub.url).find("tiny")
    kitchen.target().write_bytes(damage)
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY


def test_the_licence_lies_beside_the_file(hub: Hub, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    licence = catalogue.HERE / "LICENSE-qwen2.5-coder.txt"
    monkeypatch.setitem(KNOWN, "tiny", kitchen.want(licence=licence))
    hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY)
    kitchen.supply(face=hub.url).find("tiny")
    laid = (kitchen.folder / f"{FILE}.LICENSE.txt").read_text(encoding="utf-8")
    assert "Copyright 2024 Alibaba Cloud" in laid
    assert "Apache License" in laid


def test_a_full_disk_is_refused_before_a_byte_is_fetched(
    hub: Hub, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KNOWN, "tiny", kitchen.want(size=10**18))
    with pytest.raises(SupplyError, match="set MODEL_CACHE to a folder elsewhere"):
        kitchen.supply(face=hub.url).find("tiny")
    assert hub.requests == []


CHILD = """
import sys
from pathlib import Path
from inference.models.catalogue import KNOWN, ModelFile
from inference.supply import Supply
size, sha, face, cache = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
KNOWN["tiny"] = ModelFile("tiny", "tiny.gguf", size, sha, "Qwen/Tiny-GGUF", "tiny.gguf")
Supply(cache=cache, hugging_face=face, modelscope="http://127.0.0.1:9").find("tiny")
"""


def run_child(hub: Hub, kitchen: Kitchen) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(len(BODY)), SHA, hub.url, str(kitchen.folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"})


def test_a_killed_fetch_goes_on_where_it_was(hub: Hub, kitchen: Kitchen) -> None:
    stall = hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY, stall_after=2 << 20)
    child = run_child(hub, kitchen)
    assert stall.reached.wait(30)
    half = kitchen.folder / f"{FILE}.partial"
    until(lambda: half.exists() and half.stat().st_size >= 1 << 20)
    child.kill()
    child.communicate()
    have = half.stat().st_size
    stall.go_on.set()
    assert kitchen.supply(face=hub.url).find("tiny").read_bytes() == BODY
    assert hub.requests[-1].start == have


def test_two_runs_fetch_the_file_once(hub: Hub, kitchen: Kitchen) -> None:
    stall = hub.serve(f"/{REPO}/resolve/main/{FILE}", BODY, stall_after=1 << 20)
    first = run_child(hub, kitchen)
    assert stall.reached.wait(30)
    second = run_child(hub, kitchen)
    assert second.stderr is not None
    assert "Another run is fetching tiny.gguf" in second.stderr.readline()
    stall.go_on.set()
    first.communicate(timeout=30)
    second.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(hub.requests) == 1


def until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        subprocess.run(["sleep", "0.01"], check=True)
    pytest.fail("waited in vain")


# --- hub ids ---------------------------------------------------------------------------------------------------------


def listed(hub: Hub, *files: tuple[str, bytes]) -> None:
    entries = [
        {"type": "file", "path": name, "size": len(body), "lfs": {"oid": hashlib.sha256(body).hexdigest()}}
        for name, body in files
    ]
    hub.tell("/api/models/org/repo/tree/main?recursive=true", [*entries, {"type": "directory", "path": "more"}])


def test_a_hub_id_takes_the_hash_its_hub_tells_and_needs_no_hub_later(hub: Hub, kitchen: Kitchen) -> None:
    listed(hub, ("README.md", b"#"), ("q4/poet.gguf", BODY))
    hub.serve("/org/repo/resolve/main/q4/poet.gguf", BODY)
    path = kitchen.supply(face=hub.url).find("org/repo")
    assert path == kitchen.folder / "org--repo" / "poet.gguf"
    assert path.read_bytes() == BODY
    assert kitchen.supply().find("org/repo") == path
    assert kitchen.supply().find("org/repo:q4/poet.gguf") == path


def test_a_hub_id_is_looked_up_on_modelscope_too(hub: Hub, kitchen: Kitchen) -> None:
    file = {"Type": "blob", "Path": "poet.gguf", "Size": len(BODY), "Sha256": SHA}
    listing = {"Code": 200, "Data": {"Files": [file, {"Type": "tree", "Path": "q4", "Size": 0}]}}
    hub.tell("/api/v1/models/org/repo/repo/files?Revision=master&Recursive=true", listing)
    hub.serve("/models/org/repo/resolve/master/poet.gguf", BODY)
    assert kitchen.supply(scope=hub.url).find("org/repo:poet.gguf").read_bytes() == BODY


def test_several_files_ask_for_a_choice(hub: Hub, kitchen: Kitchen) -> None:
    listed(hub, ("a.gguf", b"a"), ("b.gguf", b"b"))
    with pytest.raises(SupplyError, match=r"holds 2 GGUF files; name one, as in MODEL=org/repo:a\.gguf"):
        kitchen.supply(face=hub.url).find("org/repo")


def test_a_hub_that_tells_no_hash_is_not_believed(hub: Hub, kitchen: Kitchen) -> None:
    hub.tell("/api/models/org/repo/tree/main?recursive=true", [{"type": "file", "path": "a.gguf", "size": 3}])
    with pytest.raises(SupplyError, match="tells no sha256"):
        kitchen.supply(face=hub.url).find("org/repo")


def test_a_hub_cannot_choose_where_on_our_disk_it_writes(hub: Hub, kitchen: Kitchen) -> None:
    listed(hub, ("../../evil.gguf", BODY))
    hub.serve("/org/repo/resolve/main/../../evil.gguf", BODY)
    path = kitchen.supply(face=hub.url)
    try:
        assert path.find("org/repo").parent == kitchen.folder / "org--repo"
    except SupplyError:
        assert not (kitchen.folder.parent / "evil.gguf").exists()


@pytest.mark.parametrize("model", ["nothing-like-this", "../x/y", "org/repo/more", "org/repo:../x.gguf", "a b"])
def test_an_unknown_model_is_refused_with_what_may_be_written(kitchen: Kitchen, model: str) -> None:
    with pytest.raises(SupplyError) as refused:
        kitchen.supply().find(model)
    assert refused.value.code in {"unknown_model", "no_file"}


# --- a file of her own -----------------------------------------------------------------------------------------------


def tiny_gguf(weights: int = 64) -> bytes:
    """A whole GGUF with one F32 tensor."""
    name, key, value = b"token_embd.weight", b"general.name", b"tiny"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    head += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value
    head += struct.pack("<Q", len(name)) + name + struct.pack("<IQIQ", 1, weights, 0, 0)
    return head + b"\0" * (-len(head) % 32) + b"\0" * 4 * weights


def test_a_file_of_her_own_is_used_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny_gguf())
    assert Supply(cache=tmp_path / "cache").find(str(path)) == path
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"GG", b"PK\3\4 this is a zip file", tiny_gguf()[:40], tiny_gguf()[:-1], b"GGUF" + b"\xff" * 100],
)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(SupplyError, match="is not a whole GGUF file"):
        gguf.check(path)


def test_the_command_prints_the_path_alone_on_stdout(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny_gguf())
    ran = subprocess.run(
        [sys.executable, "-m", "inference.supply", str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{path}\n"
    refused = subprocess.run(
        [sys.executable, "-m", "inference.supply", "nope"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
