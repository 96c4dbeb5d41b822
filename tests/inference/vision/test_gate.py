"""The gate, with files that strangers send: one plain code each, nothing of their metadata, no crash."""

import io
import struct
import zlib
from collections.abc import Callable

import pillow_heif
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from inference.vision import facts, opening
from inference.vision.measuring import measure
from inference.vision.opening import Gate, NotOpened

MARK = b"MARK-8c1f-secret"


def misty(size: tuple[int, int] = (320, 200)) -> Image.Image:
    picture = Image.new("RGB", size, "#c9cfd0")
    draw = ImageDraw.Draw(picture)
    for x in range(10, size[0], 40):
        draw.line((x, 60, x, size[1]), fill="#8f999a", width=6)
    return picture


def saved(kind: str, picture: Image.Image | None = None, **more: object) -> bytes:
    out = io.BytesIO()
    (picture or misty()).save(out, kind, **more)
    return out.getvalue()


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = MARK.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 14.0, 3.0), 3: "E", 4: (121.0, 28.0, 9.0), 27: MARK})
    return exif


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", MARK.decode())
    info.add_itxt("XML:com.adobe.xmp", f"<x>{MARK.decode()}</x>")
    info.add_text("zipped", MARK.decode(), zip=True)
    return info


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def frames(kind: str) -> bytes:
    return saved(kind, misty(), save_all=True, append_images=[misty().rotate(9), misty().rotate(18)])


GOOD: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved("JPEG"),
    "jpeg-progressive": lambda: saved("JPEG", progressive=True),
    "jpeg-grey": lambda: saved("JPEG", misty().convert("L")),
    "jpeg-cmyk": lambda: saved("JPEG", misty().convert("CMYK")),
    "jpeg-exif": lambda: saved("JPEG", exif=gps(), comment=MARK, xmp=b"<x>" + MARK + b"</x>"),
    "jpeg-bad-icc": lambda: saved("JPEG", icc_profile=MARK * 20, comment=MARK),
    "jpeg-tail-html": lambda: saved("JPEG") + b"<script>" + MARK + b"</script>",
    "jpeg-tail-zip": lambda: saved("JPEG") + b"PK\x03\x04" + MARK,
    "mpo": lambda: frames("MPO"),
    "png": lambda: saved("PNG"),
    "png-text": lambda: saved("PNG", pnginfo=texts(), exif=gps()),
    "png-palette": lambda: saved("PNG", misty().quantize(8)),
    "png-palette-alpha": lambda: saved("PNG", misty().quantize(8), transparency=0),
    "png-alpha": lambda: saved("PNG", misty().convert("RGBA")),
    "png-grey-alpha": lambda: saved("PNG", misty().convert("LA")),
    "png-16-bit": lambda: saved("PNG", misty().convert("I;16")),
    "png-1-bit": lambda: saved("PNG", misty().convert("1")),
    "png-interlaced-tail": lambda: saved("PNG") + MARK,
    "apng": lambda: frames("PNG"),
    "webp": lambda: saved("WEBP"),
    "webp-lossless": lambda: saved("WEBP", lossless=True),
    "webp-alpha": lambda: saved("WEBP", misty().convert("RGBA")),
    "webp-exif": lambda: saved("WEBP", exif=gps(), xmp=b"<x>" + MARK + b"</x>"),
    "webp-moving": lambda: frames("WEBP"),
    "avif": lambda: saved("AVIF"),
    "avif-exif": lambda: saved("AVIF", exif=gps(), xmp=b"<x>" + MARK + b"</x>"),
    "large": lambda: saved("JPEG", misty((4000, 3000))),
    "small": lambda: saved("PNG", misty((8, 8))),
}

BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty": ("empty", lambda: b""),
    "one-byte": ("not_a_picture", lambda: b"\xff"),
    "text": ("not_a_picture", lambda: b"this is no picture" * 20),
    "zeros": ("not_a_picture", lambda: b"\0" * 5000),
    "svg": ("not_a_picture", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "pdf-as-jpg": ("not_a_picture", lambda: b"%PDF-1.7\n" + MARK),
    "html": ("not_a_picture", lambda: b"<!doctype html><script>alert(1)</script>"),
    "zip": ("not_a_picture", lambda: b"PK\x03\x04" + MARK * 9),
    "gif": ("not_a_picture", lambda: saved("GIF")),
    "gif-moving": ("not_a_picture", lambda: frames("GIF")),
    "gif-script": ("not_a_picture", lambda: b"GIF89a/*" + MARK + b"*/=1;alert(1)"),
    "bmp": ("not_a_picture", lambda: saved("BMP")),
    "tiff": ("not_a_picture", lambda: saved("TIFF")),
    "ico": ("not_a_picture", lambda: saved("ICO")),
    "ppm": ("not_a_picture", lambda: saved("PPM")),
    "tga": ("not_a_picture", lambda: saved("TGA")),
    "pcx": ("not_a_picture", lambda: saved("PCX")),
    "jpeg-2000": ("not_a_picture", lambda: saved("JPEG2000")),
    "dds": ("not_a_picture", lambda: saved("DDS")),
    "eps": ("not_a_picture", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
    "psd": ("not_a_picture", lambda: b"8BPS\0\1" + b"\0" * 60),
    "jpeg-head": ("not_a_picture", lambda: b"\xff\xd8\xff\xe0"),
    "jpeg-half": ("broken", lambda: saved("JPEG", misty((900, 700)))[:9000]),
    "png-half": ("broken", lambda: saved("PNG", Image.effect_noise((300, 300), 90))[:9000]),
    "webp-half": ("broken", lambda: saved("WEBP", Image.effect_noise((300, 300), 90).convert("RGB"))[:9000]),
    "avif-half": ("not_a_picture", lambda: saved("AVIF", Image.effect_noise((300, 300), 90).convert("RGB"))[:9000]),
    "png-no-rows": ("broken", lambda: png(300, 300)),
    "png-bomb": ("too_many_pixels", lambda: png(50_000, 50_000)),
    "png-between": ("too_many_pixels", lambda: png(8000, 5001)),
    "png-zero": ("not_a_picture", lambda: png(0, 9)),
    "png-1x1": ("odd_shape", lambda: saved("PNG", misty((1, 1)))),
    "jpeg-1x1": ("odd_shape", lambda: saved("JPEG", misty((1, 1)))),
    "png-thread": ("odd_shape", lambda: saved("PNG", misty((20_000, 1)))),
    "jpeg-thread": ("odd_shape", lambda: saved("JPEG", misty((9, 20_000)))),
    "too-big": ("too_big", lambda: saved("JPEG") + b"\0" * (12 << 20)),
}


@pytest.mark.parametrize("name", GOOD)
async def test_what_comes_out_is_pixels_only(name: str) -> None:
    opened = await Gate().open(GOOD[name]())
    assert opening.is_plain(opened.jpeg)
    assert MARK not in opened.jpeg
    with Image.open(io.BytesIO(opened.jpeg), formats=["JPEG"]) as seen:
        seen.load()
        assert (seen.mode, seen.size) == ("RGB", (opened.width, opened.height))
        assert max(seen.size) <= 1536
        assert not seen.getexif()
        assert not {"icc_profile", "comment", "exif", "xmp"} & set(seen.info)


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_picture_gets_its_code(name: str) -> None:
    code, make = BAD[name]
    with pytest.raises(NotOpened) as no:
        await Gate().open(make())
    assert no.value.code == code


@pytest.mark.parametrize("turn", range(1, 9))
async def test_it_comes_out_upright(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    opened = await Gate().open(saved("JPEG", exif=exif))
    assert (opened.width > opened.height) == (turn < 5)


async def test_heic_from_a_phone() -> None:
    out = io.BytesIO()
    pillow_heif.from_pillow(misty()).save(out, exif=gps().tobytes())
    opened = await Gate().open(out.getvalue())
    assert MARK not in opened.jpeg
    assert (opened.width, opened.height) == (320, 200)


def test_a_picture_that_hides_something_is_not_believed() -> None:
    plain = saved("JPEG")
    assert opening.is_plain(plain)
    assert not opening.is_plain(plain + b"<script>")
    assert not opening.is_plain(saved("JPEG", comment=MARK))
    assert not opening.is_plain(saved("JPEG", exif=gps()))
    assert not opening.is_plain(b"\xff\xd8\xff\xd9")


def test_mist_is_measured() -> None:
    assert "薄雾" in facts.words(measure(misty()), "zh-hans")
    assert "thin mist" in facts.words(measure(misty()), "en")
