"""The gate, with files that strangers send: one plain code each, nothing of their metadata, no crash."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from inference.vision import facts, opening
from inference.vision.cell import ROOT
from inference.vision.confine import MOST_SECONDS
from inference.vision.measuring import measure
from inference.vision.opening import Gate, NotOpened

MARK = b"MARK-8c1f-secret"
MOST_MEMORY = 700 << 20  # bytes that a gate holds at any time


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


def png(width: int, height: int, rows: bytes = b"", *, depth: int = 8, kind: int = 2, clear: bytes = b"") -> bytes:
    """`kind` 0 is grey, 2 is RGB; `clear` is the colour that is transparent."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    head += part(b"tRNS", clear) if clear else b""
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def plain_png(pixel: bytes, **how: Any) -> bytes:
    """Every pixel is this one."""
    return png(64, 40, (b"\0" + pixel * 64) * 40, **how)


def heic(picture: Image.Image | None = None, **more: Any) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(picture or misty()).save(out, **more)
    return out.getvalue()


def heics(*pictures: Image.Image) -> bytes:
    """Several pictures in one file, as a phone lays down a burst."""
    out, many = io.BytesIO(), pillow_heif.from_pillow(pictures[0])
    for each in pictures[1:]:
        many.add_from_pillow(each)
    many.save(out)
    return out.getvalue()


def sized(raw: bytes, width: int, height: int) -> bytes:
    """A HEIC whose every `ispe` says another size than its pixels have."""
    parts = raw.split(b"ispe\0\0\0\0")
    said = b"ispe\0\0\0\0" + struct.pack(">II", width, height)
    return parts[0] + b"".join(said + part[8:] for part in parts[1:])


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
    "heic": heic,
    "heic-exif": lambda: heic(exif=gps().tobytes(), xmp=b"<x>" + MARK + b"</x>"),
    "heic-alpha": lambda: heic(misty().convert("RGBA")),
    "heic-grey": lambda: heic(misty().convert("L")),
    "heic-burst": lambda: heics(misty(), misty((200, 320))),
    "heic-tail": lambda: heic() + MARK,
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
    "heic-half": ("broken", lambda: heic(Image.effect_noise((300, 300), 90).convert("RGB"))[:9000]),
    "heic-head": ("not_a_picture", lambda: heic()[:40]),
    "heic-wide": ("broken", lambda: sized(heic(), 4000, 3000)),
    "heic-bomb": ("too_many_pixels", lambda: sized(heic(), 50_000, 50_000)),
    "heic-thread": ("odd_shape", lambda: sized(heic(), 20_000, 9)),
    "heic-zero": ("not_a_picture", lambda: sized(heic(), 0, 9)),
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


GREY16 = struct.pack(">H", 40_000)


@pytest.mark.parametrize(("name", "raw", "colour"), [
    ("grey of 16 bits", plain_png(GREY16, depth=16, kind=0), (155, 155, 155)),
    ("with a clear colour", plain_png(GREY16, depth=16, kind=0, clear=b"\0\1"), (155, 155, 155)),
    ("all clear", plain_png(GREY16, depth=16, kind=0, clear=GREY16), (255, 255, 255)),
    ("grey", plain_png(b"\x80", kind=0, clear=b"\0\1"), (128, 128, 128)),
    ("16 bits", plain_png(struct.pack(">HHH", 40_000, 20_000, 10_000), depth=16), (156, 78, 39)),
    ("8 bits", plain_png(b"\x80\x40\x20", clear=b"\0\1\0\2\0\3"), (128, 63, 31)),
    ("cmyk", saved("JPEG", Image.new("CMYK", (64, 40), (0, 255, 255, 0))), (255, 0, 0)),
    ("heic", heic(Image.new("RGB", (64, 40), (120, 60, 30))), (120, 60, 30)),
])  # fmt: skip
async def test_its_colours_are_those_that_were_sent(name: str, raw: bytes, colour: tuple[int, int, int]) -> None:
    opened = await Gate().open(raw)
    seen = Image.open(io.BytesIO(opened.jpeg)).getpixel((20, 20))
    assert isinstance(seen, tuple)
    assert max(abs(one - other) for one, other in zip(seen, colour, strict=True)) <= 3, (name, seen)


def forty_million() -> bytes:
    """The most pixels that are taken, with all that takes memory besides: another mode, and to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved("PNG", Image.new("RGBA", (7300, 5470), (120, 60, 30, 200)), exif=exif, compress_level=1)


FILES = {**GOOD, **{name: make for name, (_, make) in BAD.items()}, "forty million": forty_million}
BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
# A child's peak counts what it was a copy of before it became itself; the tests' own process may be far larger than a
# gate, so one that is small starts it. It ends with what its child took: code, bytes, seconds.
SMALL = """
import os, subprocess, sys
gate = subprocess.Popen([sys.executable, "-m", "inference.vision.gate"], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(gate.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime + used.ru_stime)
"""


@pytest.mark.parametrize("name", FILES)
def test_no_file_takes_more_of_the_machine_than_a_gate_may(name: str) -> None:
    """Of the processor, for the clock also tells of what else the machine does."""
    command = [sys.executable, "-c", SMALL]
    started = subprocess.run(command, cwd=ROOT, input=FILES[name](), capture_output=True, check=True)
    code, peak, seconds = started.stdout.decode().split()
    assert int(code) == 0
    assert int(peak) * BYTES < MOST_MEMORY
    assert float(seconds) < MOST_SECONDS


@pytest.mark.parametrize("turn", range(1, 9))
async def test_it_comes_out_upright(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    opened = await Gate().open(saved("JPEG", exif=exif))
    assert (opened.width > opened.height) == (turn < 5)


@pytest.mark.parametrize(
    "exif", [b"garbagegarbage", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"MM\0*\0\0"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_pixels_are_whole_whatever_the_metadata_say(kind: str, exif: bytes) -> None:
    opened = await Gate().open(saved(kind, exif=exif + MARK))
    assert (opened.width, opened.height) == (320, 200)
    assert MARK not in opened.jpeg


def test_a_picture_that_hides_something_is_not_believed() -> None:
    plain = saved("JPEG")
    assert opening.is_plain(plain)
    assert not opening.is_plain(plain + b"<script>")
    assert not opening.is_plain(saved("JPEG", comment=MARK))
    assert not opening.is_plain(saved("JPEG", exif=gps()))
    assert not opening.is_plain(b"\xff\xd8\xff\xd9")


def behind_the_pixels(kind: int, said: bytes) -> bytes:
    plain = saved("JPEG")
    return plain[:-2] + b"\xff%c" % kind + struct.pack(">H", 2 + len(said)) + said + plain[-2:]


def test_nor_one_that_hides_it_among_its_pixels() -> None:
    assert not opening.is_plain(behind_the_pixels(0xFE, b"GPS 31.2 N 121.4 E"))
    assert not opening.is_plain(behind_the_pixels(0xE1, b"<script>alert(1)</script>"))
    assert not opening.is_plain(saved("JPEG", progressive=True))  # of more scans than one
    assert not opening.is_plain(saved("JPEG")[:-2] + b"\xff")
    assert opening.is_plain(saved("JPEG", restart_marker_rows=1))


FACTS = '"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "warmth": 0'


def claims(width: str = "320", facts: str = FACTS, palette: str = '["#102030"]') -> bytes:
    return f'{{"width": {width}, "height": 200, "facts": {{{facts}, "palette": {palette}}}}}'.encode()


def test_what_a_gate_says_of_a_picture_is_looked_at() -> None:
    assert opening._believed(claims() + b"\n" + saved("JPEG")).width == 320


@pytest.mark.parametrize("said", [
    b"", b"7", b"[]", b"[" * 3000, b'{"refused": [1]}', b'{"refused": {}}',
    claims(width="1e999"), claims(width="0"), claims(width="9" * 400), claims(width="NaN"), claims(width='"wide"'),
    claims(facts=FACTS.replace("0.5", "NaN", 1)), claims(facts=FACTS.replace("0.5", "9" * 400, 1)),
    claims(facts='"contrast": 0.5'), claims(facts=FACTS.replace("0.5", "7", 1)), claims(palette="[1e999]"),
    claims(palette='["#102030ff"]'),
])  # fmt: skip
def test_a_gate_that_talks_nonsense_is_not_believed(said: bytes) -> None:
    with pytest.raises(NotOpened, match="broken"):
        opening._believed(said + b"\n" + saved("JPEG"))


def test_mist_is_measured() -> None:
    assert "薄雾" in facts.words(measure(misty()), "zh-hans")
    assert "thin mist" in facts.words(measure(misty()), "en")


@pytest.mark.parametrize(("colour", "zh", "en"), [
    ("#c02020", "一抹红", "a touch of red"), ("#c03050", "一抹红", "a touch of red"), ("#d0c030", "鹅黄", "yellow"),
    ("#3a8040", "青绿", "green"), ("#3050a0", "一片蓝", "blue"), ("#8040a0", "一抹紫", "a touch of violet"),
])  # fmt: skip
def test_the_palette_speaks_of_the_hue_that_there_is(colour: str, zh: str, en: str) -> None:
    seen = measure(Image.new("RGB", (90, 90), colour))
    assert zh in facts.words(seen, "zh-hans")
    assert en in facts.words(seen, "en")


@pytest.mark.parametrize("colour", ["#7a4a25", "#c9cfd0", "#101018", "#ffffff"])
def test_what_is_brown_grey_or_black_has_no_hue_to_speak_of(colour: str) -> None:
    seen = facts.words(measure(Image.new("RGB", (90, 90), colour)), "en")
    assert not {"a touch of red", "yellow", "green", "blue", "a touch of violet"} & set(seen)


def test_every_word_for_what_is_measured_can_be_said() -> None:
    shown = [Image.new("RGB", (90, 90), each) for each in ("#c02020", "#d0c030", "#3a8040", "#3050a0", "#8040a0")]
    shown += [misty(), *(Image.new("RGB", (90, 90), each) for each in ("black", "white", "#505050"))]
    said = {word for each in shown for word in facts.words(measure(each), "en")}
    assert said == {chip["en"] for chip in facts.CHIPS.values()}
