"""An ICC profile of our own making, to see whether the server keeps one.

Pictures in wide-gamut RGB look dull when the profile gets lost, so an eye can tell.
"""

import struct
from typing import Final

WIDE_RGB_GAMMA: Final = 563 / 256
WIDE_RGB_COLORANTS: Final = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
"""XYZ of the primaries of "Adobe RGB (1998) Color Image Encoding" (version 2005-05, 4.3.8), adapted to D50; its gamma
is 563/256."""
_D50 = (0.96420, 1.0, 0.82491)


def wide_rgb() -> bytes:
    """A matrix/TRC display profile, version 2 (ICC.1:2001-04), in about 500 bytes."""
    curve = b"curv" + struct.pack(">4xIHxx", 1, round(WIDE_RGB_GAMMA * 256))
    tags = {
        b"desc": _description("Darkroom demo, wide RGB"),
        b"cprt": b"text\0\0\0\0Public domain\0\0\0",
        b"wtpt": _xyz(_D50),
        **{name: _xyz(value) for name, value in WIDE_RGB_COLORANTS.items()},
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return _header(start + len(body)) + table + body


def _header(size: int) -> bytes:
    made = struct.pack(">6H", 2025, 1, 1, 0, 0, 0)
    before_illuminant = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ") + made + b"acsp"
    return (before_illuminant.ljust(68, b"\0") + _fixed(_D50)).ljust(128, b"\0")


def _description(text: str) -> bytes:
    # ASCII, then an empty Unicode and an empty Macintosh part, which version 2 demands
    ascii_part = text.encode("ascii") + b"\0"
    return b"desc" + struct.pack(">4xI", len(ascii_part)) + ascii_part + bytes(4 + 4 + 2 + 1 + 67)


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(value)


def _fixed(value: tuple[float, float, float]) -> bytes:
    """Each as s15Fixed16Number."""
    return struct.pack(">3i", *(round(part * 65536) for part in value))
