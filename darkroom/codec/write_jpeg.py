"""JPEG through libjpeg-turbo, straight from the array."""

import simplejpeg

from darkroom.codec.image import Image
from darkroom.codec.rows import flattened

_ICC = b"ICC_PROFILE\0"
_ICC_PART_BYTES = 65_533 - len(_ICC) - 2
_FULL_CHROMA_FROM = 90
"""Quality from which every pixel keeps its own colour (4:4:4); below, colour has half the resolution (4:2:0)."""


def write_jpeg(image: Image, quality: int, icc: bytes | None) -> bytes:
    """Baseline JFIF, grey or YCbCr; transparency becomes white paper. `quality` 1..100 scales the standard tables."""
    sampling = "Gray" if image.grey else "444" if quality >= _FULL_CHROMA_FROM else "420"
    encoded: bytes = simplejpeg.encode_jpeg(flattened(image), quality, "GRAY" if image.grey else "RGB", sampling)
    return encoded if icc is None else _with_profile(encoded, icc)


def _with_profile(encoded: bytes, icc: bytes) -> bytes:
    """ICC.1:2022, B.4: APP2 segments, numbered from 1, behind the JFIF header."""
    parts = [icc[at : at + _ICC_PART_BYTES] for at in range(0, len(icc), _ICC_PART_BYTES)]
    head = 4 + int.from_bytes(encoded[4:6], "big") if encoded[2:4] == b"\xff\xe0" else 2
    segments = [
        b"\xff\xe2" + (len(part) + len(_ICC) + 4).to_bytes(2, "big") + _ICC + bytes((number, len(parts))) + part
        for number, part in enumerate(parts, 1)
    ]
    return b"".join((encoded[:head], *segments, encoded[head:]))
