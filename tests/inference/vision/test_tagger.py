"""What tags photographs: the network against PyTorch's own convolutions, the table of imagery, the child's walls."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch  # noqa: TID253 - what ours is measured by
from PIL import Image
from torch.nn import functional  # noqa: TID253

from inference.vision import facts, tagging, weights
from inference.vision.efficientnet import EPSILON, REPEATS, SIDE, STRIDES, EfficientNet, _prepared
from inference.vision.opening import Gate, Tagger
from tests.processes import wait_until
from tests.processes_inference import tagger_file
from writingapp.services.inspiring import CHIP_LIMIT

ROOT = Path(__file__).parents[3]
COFFEE = ROOT / "tests" / "photographs" / "coffee.jpg"


@pytest.fixture(scope="module")
def path() -> Path:
    return tagger_file()


def by_torch(read: dict[str, np.ndarray], picture: np.ndarray) -> np.ndarray:
    """The same network in PyTorch's words."""
    known = {name: torch.from_numpy(np.array(value)) for name, value in read.items()}

    def layer(seen: torch.Tensor, conv: str, norm: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        weight = known[f"{conv}.weight"]
        size, kernel = seen.shape[-1], weight.shape[-1]
        odd = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        seen = functional.pad(seen, (odd // 2, odd - odd // 2) * 2)
        seen = functional.conv2d(seen, weight, stride=stride, groups=groups)
        mean, var, scale, bias = (known[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(seen, mean, var, scale, bias, eps=EPSILON)

    seen = functional.relu6(layer(torch.from_numpy(picture).permute(2, 0, 1)[None], "_conv_stem", "_bn0", 2))
    strides = [stride if n == 0 else 1 for count, stride in zip(REPEATS, STRIDES, strict=True) for n in range(count)]
    for number, stride in enumerate(strides):
        name, given = f"_blocks.{number}.", seen
        if f"{name}_expand_conv.weight" in known:
            seen = functional.relu6(layer(seen, f"{name}_expand_conv", f"{name}_bn0"))
        seen = functional.relu6(layer(seen, f"{name}_depthwise_conv", f"{name}_bn1", stride, seen.shape[1]))
        seen = layer(seen, f"{name}_project_conv", f"{name}_bn2")
        seen = seen + given if seen.shape == given.shape else seen
    head = functional.relu6(layer(seen, "_conv_head", "_bn1")).mean(dim=(2, 3))
    return torch.softmax(functional.linear(head, known["_fc.weight"], known["_fc.bias"]), 1)[0].numpy()


@pytest.mark.tagger
def test_the_network_says_what_pytorch_says(path: Path) -> None:
    read = weights.read(path)
    for picture in (Image.open(COFFEE), Image.effect_noise((300, 700), 60).convert("RGB")):
        likely = EfficientNet(read).classify(picture)
        assert likely.shape == (1000,)
        assert np.abs(likely - by_torch(read, _prepared(picture))).max() < 1e-4


@pytest.mark.tagger
def test_weights_are_read_as_pytorch_reads_them(path: Path) -> None:
    theirs, ours = torch.load(path, weights_only=True), weights.read(path)
    assert theirs.keys() == ours.keys()
    assert all(np.array_equal(theirs[name].numpy(), ours[name]) for name in theirs)


def test_a_file_that_names_anything_else_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("true",)

    spoilt = tmp_path / "spoilt.pth"
    spoilt.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(pickle.UnpicklingError, match="has no place"):
        weights.read(spoilt)


def test_what_is_seen_is_the_middle_from_minus_one_to_one() -> None:
    seen = _prepared(Image.linear_gradient("L").resize((400, 100)))
    assert seen.shape == (SIDE, SIDE, 3)
    assert -1.0 <= seen.min() < -0.8 < 0.8 < seen.max() <= 1.0


@pytest.mark.tagger
async def test_a_photograph_of_coffee_gives_a_warm_cup(path: Path) -> None:
    opened = await Gate().open(COFFEE.read_bytes())
    likely = await Tagger().likely(opened.jpeg, path)
    assert tagging.words(likely, "zh-hans") == ["一盏热饮"]
    assert tagging.words(likely, "en") == ["a warm cup"]
    assert "暖色" in facts.words(opened.facts, "zh-hans")


@pytest.mark.tagger
async def test_what_is_no_photograph_gives_no_tag_and_no_error(path: Path) -> None:
    assert await Tagger().likely(b"\xff\xd8 no picture", path) == {}
    assert await Tagger().likely(COFFEE.read_bytes(), path.with_name("nowhere")) == {}
    assert await Tagger().likely(COFFEE.read_bytes(), None) == {}


@pytest.mark.tagger
async def test_whoever_goes_takes_the_child_along(path: Path) -> None:
    before = set(psutil.Process().children())
    asked = asyncio.create_task(Tagger().likely(COFFEE.read_bytes(), path))
    await asyncio.to_thread(
        wait_until, lambda: bool(set(psutil.Process().children()) - before), within=10, what="the child"
    )
    [child] = set(psutil.Process().children()) - before
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not child.is_running()


@pytest.mark.tagger
async def test_whoever_goes_while_it_starts_is_let_go(path: Path) -> None:
    before = set(psutil.Process().children())
    asked = asyncio.create_task(Tagger().likely(COFFEE.read_bytes(), path))
    for _ in range(3):
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asked, 20)
    assert set(psutil.Process().children()) == before


@pytest.mark.parametrize(("likely", "chips"), [
    ({975: 0.4, 978: 0.35}, ["湖岸", "海滨"]),
    ({151: 0.1, 207: 0.15, 250: 0.1}, ["犬吠"]),  # dogs are counted together
    ({975: 0.29}, []),
    ({784: 0.99}, []),  # a screwdriver
    ({}, []),
])  # fmt: skip
def test_classes_become_imagery_only_where_they_are_likely(likely: dict[int, float], chips: list[str]) -> None:
    assert tagging.words(likely, "zh") == chips


def test_the_table_gives_every_class_one_image_that_fits_a_chip() -> None:
    classes = [each for image in tagging.images() for each in image.classes]
    assert len(classes) == len(set(classes)) > 500
    assert all(0 <= each < 1000 for each in classes)
    assert all(0 < len(words) <= CHIP_LIMIT for image in tagging.images() for words in (image.zh, image.en))
    assert all(words.isascii() for words in (image.en for image in tagging.images()))


@pytest.mark.skipif(
    sys.platform != "linux", reason="NOT LINUX, SO NO FILTER IS TESTED: other systems have none, as docs/photos.md says"
)
def test_behind_the_door_nothing_is_reached(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        trying = [sys.executable, "-m", "tests.inference.vision.doors", str(other.pid), str(tmp_path)]
        done = subprocess.run(trying, capture_output=True, text=True, check=False, cwd=ROOT)
        alive = other.poll() is None
        other.kill()
    assert json.loads(done.stdout) == {"sealed": True, "open": []}
    assert alive
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
