"""The only program that opens a stranger's picture: `python -m inference.vision.gate`, bytes in, a clean JPEG out.

It confines itself before it reads a byte (`inference.vision.confine`): memory, processor seconds, no file that grows,
and, once everything that it needs is loaded, no new file descriptor and no system call that reaches beyond itself.

On stdout comes one line of JSON, `{"refused": code}` or `{"width", "height", "facts"}`, and then the picture.
"""

import io
import json
import sys
import warnings
from typing import Any, BinaryIO

import pillow_heif
from PIL import AvifImagePlugin, Image, ImageCms, ImageOps, UnidentifiedImageError

from inference.vision.bounds import MOST_BYTES, MOST_PIXELS, SIDE
from inference.vision.confine import confine, shut_the_door
from inference.vision.measuring import measure

FORMATS = (
    "JPEG",
    "PNG",
    "WEBP",
    "HEIF",
    "AVIF",
)  # MPO, which phones send as .jpg, is read as the JPEG that it begins as
QUALITY = 88
LONGEST_RATIO = 40  # of one side to the other: beyond that there is nothing to be seen


class Refused(Exception):
    """A picture that is not taken; the code is one of `inference.vision.bounds.CODES`."""


def load_decoders() -> None:
    """What must be loaded while files may still be opened."""
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener(thumbnails=False)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.init()
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def clean(raw: bytes) -> tuple[bytes, dict[str, Any]]:
    """The picture upright, in sRGB, small, and with nothing but its pixels. Raises Refused."""
    if not raw:
        raise Refused("empty")
    try:
        seen = _pixels(raw)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise Refused("too_many_pixels") from None
    except UnidentifiedImageError:
        raise Refused("not_a_picture") from None
    except Exception:  # decoders fail in every way there is
        raise Refused("broken") from None
    out = io.BytesIO()
    seen.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue(), {"width": seen.width, "height": seen.height, "facts": measure(seen)}


def _pixels(raw: bytes) -> Image.Image:
    """The first frame; never `seek`, which forgets to look at the size."""
    with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise Refused("too_many_pixels")
        if min(width, height) < 8 or max(width, height) > LONGEST_RATIO * min(width, height):
            raise Refused("odd_shape")
        if picture.format == "JPEG":
            picture.draft("RGB", (SIDE, SIDE))
        picture.load()
        upright = _upright(picture)
        if upright.mode in {"RGB", "RGBA", "L", "CMYK"}:  # small first: what follows takes memory
            upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        bare = _to_srgb(upright)
    bare.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    fresh = Image.new("RGB", bare.size)  # nothing of the old picture's `info` comes along
    fresh.paste(bare)
    return fresh


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says; as it lies where that cannot be read, which spoils no pixel."""
    try:
        return ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except Exception:  # what is wrong with it comes out in every way there is
        return picture.copy()


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _in_bytes(picture)
    if picture.mode in {"P", "LA", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    if isinstance(profile, bytes) and picture.mode in {"RGB", "CMYK"}:
        picture = _by_profile(picture, profile)
    return picture.convert("RGB")


def _in_bytes(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8, which Pillow's own conversion would cut off at white."""
    grey = picture.convert("I").point(lambda value: value / 257).convert("L")
    if isinstance(clear := grey.info.get("transparency"), int):
        grey.info["transparency"] = clear // 257
    return grey


def _by_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    """Converted by its colour profile; a profile that makes no sense is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return made if made is not None else picture


def main(given: BinaryIO, out: BinaryIO) -> None:
    confine()
    load_decoders()
    shut_the_door()
    raw = given.read(MOST_BYTES + 1)
    try:
        if len(raw) > MOST_BYTES:
            raise Refused("too_big")
        picture, told = clean(raw)
    except Refused as no:
        picture, told = b"", {"refused": str(no)}
    out.write(json.dumps(told).encode() + b"\n" + picture)
    out.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
