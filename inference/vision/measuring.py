"""What the gate measures of a picture without understanding it: how light, how warm, how colourful."""

from typing import Any

from PIL import Image, ImageStat

SMALL = 96  # pixels a side; enough for what is measured
COLOURS = 5


def measure(picture: Image.Image) -> dict[str, Any]:
    """Brightness, contrast and saturation from 0 to 1, warmth from -1 to 1, and the palette, commonest first."""
    small = picture.copy()
    small.thumbnail((SMALL, SMALL))
    light = ImageStat.Stat(small.convert("L"))
    red, _, blue = ImageStat.Stat(small).mean
    return {
        "brightness": round(light.mean[0] / 255, 3),
        "contrast": round(light.stddev[0] / 128, 3),
        "saturation": round(ImageStat.Stat(small.convert("HSV")).mean[1] / 255, 3),
        "warmth": round((red - blue) / 255, 3),
        "palette": _palette(small),
    }


def _palette(small: Image.Image) -> list[str]:
    flat = small.quantize(COLOURS).convert("RGB")
    counted = sorted(flat.getcolors(SMALL * SMALL) or [], reverse=True)
    return ["#{:02x}{:02x}{:02x}".format(*colour) for _, colour in counted if isinstance(colour, tuple)][:COLOURS]
