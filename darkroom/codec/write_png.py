"""A PNG writer for large results: 7 to 9 times the speed of zlib at its fastest, for files of the same size.

Two things make it so. Deflate is Intel's ISA-L. And every row is filtered with `Up` (W3C PNG, 9.2: the difference
to the row above) by one vector subtraction a band, where the usual encoders try five filters a row, byte by byte;
measured over photographs and their enlargements, Up came within 4 % of the best of five (`python -m perf.codec`).
"""

import io
import struct
import zlib

import numpy as np
from isal import isal_zlib

from darkroom.codec.image import Image, Pixels
from darkroom.codec.rows import BAND_ROWS, bands

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1
"""Of ISA-L's 0 to 3: 0 gives files larger by 40 %, 2 and 3 cost more and gain under 1 %."""
_CHUNK_BYTES = 2**18
"""Compressed bytes of one IDAT chunk, about."""
_UP = 2
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}


def write_png(image: Image, icc: bytes | None) -> bytes:
    """The picture as 8-bit grey, grey and alpha, RGB or RGBA, with its profile; the same input, the same bytes."""
    channels = (1 if image.grey else 3) + (image.alpha is not None)
    out = io.BytesIO()
    out.write(_SIGNATURE)
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    _chunk(out, b"IHDR", header)
    if icc is not None:
        _chunk(out, b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    _pixels(out, image, image.width * channels)
    _chunk(out, b"IEND", b"")
    return out.getvalue()


def _pixels(out: io.BytesIO, image: Image, stride: int) -> None:
    deflate = isal_zlib.compressobj(_LEVEL)
    above = np.zeros((1, stride), np.uint8)
    filtered = np.empty((BAND_ROWS, stride + 1), np.uint8)
    filtered[:, 0] = _UP
    pending = bytearray()
    for band in bands(image, alpha=image.alpha is not None):
        rows: Pixels = band.reshape(len(band), stride)
        target = filtered[: len(rows)]
        np.subtract(rows[:1], above, out=target[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=target[1:, 1:])
        above = rows[-1:]
        pending += deflate.compress(target)
        if len(pending) >= _CHUNK_BYTES:
            _chunk(out, b"IDAT", pending)
            pending.clear()
    pending += deflate.flush()
    _chunk(out, b"IDAT", pending)


def _chunk(out: io.BytesIO, name: bytes, body: bytes | bytearray) -> None:
    out.write(struct.pack(">I", len(body)))
    out.write(name)
    out.write(body)
    out.write(struct.pack(">I", isal_zlib.crc32(body, isal_zlib.crc32(name))))
