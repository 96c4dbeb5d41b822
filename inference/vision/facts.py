"""What was measured of a picture, as imagery. It does not know what is in the picture, and must not pretend to."""

from typing import Any

CHIPS = {
    "dark": {"zh": "夜色", "en": "dark before dawn"},
    "dim": {"zh": "微光", "en": "dim light"},
    "bright": {"zh": "明光", "en": "clear light"},
    "misty": {"zh": "薄雾", "en": "thin mist"},
    "warm": {"zh": "暖色", "en": "warm tones"},
    "cold": {"zh": "清寒", "en": "cold tones"},
    "green": {"zh": "草木青", "en": "green of leaves"},
    "blue": {"zh": "一片蓝", "en": "blue"},
    "grey": {"zh": "灰白", "en": "grey and white"},
}


def words(facts: dict[str, Any], language: str) -> list[str]:
    """The facts as imagery, two to four chips."""
    light, warmth = facts["brightness"], facts["warmth"]
    found = ["dark" if light < 0.22 else "dim" if light < 0.45 else "bright" if light > 0.7 else ""]
    found += ["misty"] if facts["contrast"] < 0.36 and facts["saturation"] < 0.3 and 0.3 < light < 0.92 else []
    found += ["warm"] if warmth > 0.1 else ["cold"] if warmth < -0.06 else []
    found += ["green"] if facts["greenness"] > 0.03 else []
    found += ["grey"] if facts["saturation"] < 0.12 else []
    return [CHIPS[name]["zh" if language.startswith("zh") else "en"] for name in found if name][:4]
