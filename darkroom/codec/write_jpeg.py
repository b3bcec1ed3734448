"""JPEG through OpenCV's libjpeg-turbo: the tables, the DCT and the files of Pillow's, and other threads run meanwhile.
Pillow encodes with the interpreter's lock in its hands, and hands it over between blocks of a millisecond only.

simplejpeg, which lets others run too, uses the fast, inexact DCT below quality 96 whatever it is told: 0.5 to 1 dB lost
at quality 95, in larger files (`python -m perf.codec`).
"""

import cv2
import numpy as np

from darkroom.codec.image import Image
from darkroom.codec.rows import flattened

_FULL_CHROMA_FROM = 90
"""Quality from which every pixel keeps its own colour (4:4:4); below, colour has half the resolution (4:2:0)."""
_ICC = b"ICC_PROFILE\0"
_MOST_OF_A_PROFILE = 65_533 - len(_ICC) - 2
"""Bytes of a profile in one segment (ICC.1:2022, B.4)."""


def write_jpeg(image: Image, quality: int, icc: bytes | None) -> bytes:
    """Baseline JFIF, grey or YCbCr; transparency becomes white paper. `quality` 1..100 scales the standard tables."""
    page = np.ascontiguousarray(flattened(image))
    pixels = np.ascontiguousarray(page[..., 0]) if image.grey else cv2.cvtColor(page, cv2.COLOR_RGB2BGR)
    full = quality >= _FULL_CHROMA_FROM
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, encoded = cv2.imencode(".jpg", pixels, settings)
    if not done:
        raise MemoryError("The JPEG could not be written.")
    return _with_profile(encoded.tobytes(), icc or b"")


def _with_profile(file: bytes, profile: bytes) -> bytes:
    """The profile goes behind the file's first segment, the JFIF header, in as many numbered parts as it takes."""
    if not profile:
        return file
    parts = [profile[i : i + _MOST_OF_A_PROFILE] for i in range(0, len(profile), _MOST_OF_A_PROFILE)]
    if len(parts) > 255:  # 16 MB: no segment could number them
        return file
    header = 4 + int.from_bytes(file[4:6], "big")
    segments = (
        b"\xff\xe2" + (len(part) + len(_ICC) + 4).to_bytes(2, "big") + _ICC + bytes((number, len(parts))) + part
        for number, part in enumerate(parts, 1)
    )
    return b"".join((file[:header], *segments, file[header:]))
