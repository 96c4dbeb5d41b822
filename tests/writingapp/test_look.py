"""The colours of the look can be read, by day and by night."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "static" / "css" / "base.css").read_text("utf-8")
TOKEN = re.compile(r"--(\w+): #([0-9a-f]{6});")
DAY, NIGHT = (dict(TOKEN.findall(part)) for part in CSS.split("@media (prefers-color-scheme: dark)")[:2])


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("tokens", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_text_stands_out_four_and_a_half_times_and_marks_three(tokens: dict[str, str], ground: str) -> None:
    for colour in ("ink", "quiet", "dew", "leaf", "clay"):
        assert contrast(tokens[colour], tokens[ground]) >= 4.5, colour
    for colour in ("edge", "dawn"):
        assert contrast(tokens[colour], tokens[ground]) >= 3, colour


@pytest.mark.parametrize("tokens", [DAY, NIGHT], ids=["day", "night"])
def test_the_words_on_a_button_can_be_read(tokens: dict[str, str]) -> None:
    assert contrast(tokens["paper"], tokens["dew"]) >= 4.5


def test_day_and_night_name_the_same_colours() -> None:
    assert set(DAY) == set(NIGHT)
    assert len(DAY) >= 10
