"""What was measured of a picture, as imagery. It does not know what is in the picture, and must not pretend to."""

from colorsys import rgb_to_hsv
from typing import Any

COLOURS = ((0.05, "red"), (0.11, ""), (0.19, "yellow"), (0.45, "green"), (0.72, "blue"), (0.94, "violet"), (1.0, "red"))
FAINT = 0.25  # of saturation, and of light: whose is less has no colour to speak of
LOOKED_AT = 3  # colours, commonest first

CHIPS = {
    "dark": {"zh": "夜色", "en": "dark before dawn"},
    "dim": {"zh": "微光", "en": "dim light"},
    "bright": {"zh": "明光", "en": "clear light"},
    "misty": {"zh": "薄雾", "en": "thin mist"},
    "warm": {"zh": "暖色", "en": "warm tones"},
    "cold": {"zh": "清寒", "en": "cold tones"},
    "red": {"zh": "一抹红", "en": "a touch of red"},
    "yellow": {"zh": "鹅黄", "en": "yellow"},
    "green": {"zh": "青绿", "en": "green"},
    "blue": {"zh": "一片蓝", "en": "blue"},
    "violet": {"zh": "一抹紫", "en": "a touch of violet"},
    "grey": {"zh": "灰白", "en": "grey and white"},
}


def words(facts: dict[str, Any], language: str) -> list[str]:
    """The facts as imagery, two to four chips."""
    light, warmth = facts["brightness"], facts["warmth"]
    found = ["dark" if light < 0.22 else "dim" if light < 0.45 else "bright" if light > 0.7 else ""]
    found += ["misty"] if facts["contrast"] < 0.36 and facts["saturation"] < 0.3 and 0.3 < light < 0.92 else []
    found += ["warm"] if warmth > 0.1 else ["cold"] if warmth < -0.06 else []
    found += [next(filter(None, map(_colour, facts["palette"][:LOOKED_AT])), "")]
    found += ["grey"] if facts["saturation"] < 0.12 else []
    return [CHIPS[name]["zh" if language.startswith("zh") else "en"] for name in found if name][:4]


def _colour(hexed: str) -> str:
    """The name of its hue; empty where it is faint, or brown, of which the warmth tells."""
    hue, saturation, light = rgb_to_hsv(*(int(hexed[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    if saturation < FAINT or light < FAINT:
        return ""
    return next(name for most, name in COLOURS if hue <= most)
