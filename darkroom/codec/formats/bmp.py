"""BMP (Windows DIB headers of every age, and OS/2's first)."""

import io
import struct

import cv2
import numpy as np
from PIL import BmpImagePlugin

from darkroom.codec.facts import Facts, Raster
from darkroom.codec.image import Pixels
from darkroom.codec.modes import to_raster
from darkroom.codec.rows import BAND_ROWS
from darkroom.errors import BadImageError

_CORE_HEADER = 12
_UNCOMPRESSED, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6
_RLE = (1, 2)
_HEADERS = (_CORE_HEADER, 40, 52, 56, 64, 108, 124)
_TO_RGB = {24: cv2.COLOR_BGR2RGB, 32: cv2.COLOR_BGRA2RGB}
"""What becomes of the pixels of the plain kinds, by their bits. The fourth byte of 32 bits means nothing there."""


def parse(data: bytes) -> Facts:
    """Raises BadImageError for compressed BMPs; struct.error if the header ends early.

    Run-length BMPs are refused: the decoder at hand is interpreted, and a hostile file could hold it for a minute.
    """
    size = struct.unpack_from("<I", data, 14)[0]
    if size == _CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return Facts("bmp", width, height, False, False, bits)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression not in (_UNCOMPRESSED, _BITFIELDS, _ALPHA_BITFIELDS):
        kind = "run-length compressed" if compression in _RLE else f"compressed (method {compression})"
        raise BadImageError(f"The BMP image is {kind}; only uncompressed BMP is accepted.")
    masked = compression != _UNCOMPRESSED and bits == 32 and size >= 56
    alpha = masked and struct.unpack_from("<I", data, 66)[0] != 0
    return Facts("bmp", max(width, 0), abs(height), False, alpha, bits)


def load(data: bytes, facts: Facts) -> Raster:
    """BMP's colour profiles are not read: hardly any viewer does."""
    pixels = _plain(data, facts)
    if pixels is not None:
        return Raster(pixels, None, False, None)
    with BmpImagePlugin.BmpImageFile(io.BytesIO(data)) as picture:
        picture.load()
        return to_raster(picture, None)


def _plain(data: bytes, facts: Facts) -> Pixels | None:
    """RGB [h, w, 3] of true colour without masks, straight from the bytes; None for other kinds, and for what is
    damaged or ends early: the decoder finds the words. It takes several times as long over the same pixels."""
    start, size = struct.unpack_from("<II", data, 10)
    core = size == _CORE_HEADER
    compression = _UNCOMPRESSED if core else struct.unpack_from("<I", data, 30)[0]
    if size not in _HEADERS or compression != _UNCOMPRESSED or facts.bits not in _TO_RGB:
        return None
    start = start or 14 + size
    samples = facts.bits // 8
    stride = -(-facts.width * samples // 4) * 4
    end = start + (facts.height - 1) * stride + facts.width * samples  # the last row may come without its padding
    if max(end, 14 + size) > len(data):
        return None
    rows: Pixels = np.ndarray((facts.height, facts.width, samples), np.uint8, data, start, (stride, samples, 1))
    if core or struct.unpack_from("<i", data, 22)[0] > 0:
        rows = rows[::-1]
    pixels = np.empty((facts.height, facts.width, 3), np.uint8)
    for top in range(0, facts.height, BAND_ROWS):  # OpenCV copies rows that run upwards: small ones stay in the cache
        cv2.cvtColor(rows[top : top + BAND_ROWS], _TO_RGB[facts.bits], dst=pixels[top : top + BAND_ROWS])
    return pixels
