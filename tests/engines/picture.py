"""A picture for engines that see: a red square, small, as a data URL."""

import base64
import struct
import zlib

SIDE = 56


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


_ROWS = (b"\0" + b"\xc8\x32\x28" * SIDE) * SIDE
_PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    _chunk(name, data)
    for name, data in (
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(_ROWS)),
        (b"IEND", b""),
    )
)
PICTURE = "data:image/png;base64," + base64.b64encode(_PNG).decode()
