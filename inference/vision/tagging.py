"""Tags as imagery: which chips a picture's probabilities give. It says what a picture may hold, and may be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("imagery.tsv")
LEAST = 0.3  # of probability, summed over the classes of one image; below that it is more often wrong than right
MOST = 3


@dataclass(frozen=True, slots=True)
class Image:
    """An image of verse and the classes that mean it."""

    classes: frozenset[int]
    zh: str
    en: str


@cache
def images() -> tuple[Image, ...]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(_image(line) for line in lines if not line.startswith("#"))


def _image(line: str) -> Image:
    classes, zh, en = line.split("\t")
    spans = [span.partition("-") for span in classes.split(",")]
    return Image(frozenset(n for first, _, last in spans for n in range(int(first), int(last or first) + 1)), zh, en)


def words(likely: Mapping[int, float], language: str) -> list[str]:
    """Chips for a picture, likeliest first; often none."""
    weighed = [(sum(likely.get(each, 0.0) for each in image.classes), image) for image in images()]
    found = sorted((pair for pair in weighed if pair[0] >= LEAST), key=lambda pair: -pair[0])
    return [image.zh if language.startswith("zh") else image.en for _, image in found[:MOST]]
