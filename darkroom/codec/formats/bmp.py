"""BMP (Windows DIB headers of every age, and OS/2's first)."""

import io
import struct

import cv2
import numpy as np
from PIL import BmpImagePlugin

from darkroom.codec.image import Metadata, Samples
from darkroom.codec.raw import ArrayRows, Choice, RawHeader, RawImage, choose_frame
from darkroom.errors import BadImageError

_CORE_HEADER = 12
_UNCOMPRESSED, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6
_RLE = (1, 2)
_HEADERS = (_CORE_HEADER, 40, 52, 56, 64, 108, 124)
_METRE_PER_INCH = 0.0254
_CACHED_ROWS = 16


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for compressed BMPs; struct.error if the header ends early.

    Run-length BMPs are refused: the decoder at hand is interpreted, and a hostile file could hold it for a minute.
    """
    choose_frame("BMP", 1, choice)
    size = struct.unpack_from("<I", data, 14)[0]
    if size == _CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return RawHeader("bmp", width, height, False, False, banded=_is_plain(data, width, height, bits))
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression not in (_UNCOMPRESSED, _BITFIELDS, _ALPHA_BITFIELDS):
        kind = "run-length compressed" if compression in _RLE else f"compressed (method {compression})"
        raise BadImageError(f"The BMP image is {kind}; only uncompressed BMP is accepted: save it as PNG.")
    masked = compression != _UNCOMPRESSED and bits == 32 and size >= 56
    alpha = masked and struct.unpack_from("<I", data, 66)[0] != 0
    plain = compression == _UNCOMPRESSED and _is_plain(data, width, abs(height), bits)
    return RawHeader("bmp", max(width, 0), abs(height), False, alpha, banded=plain)


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """BMP's colour profiles are not read: hardly any viewer does."""
    metadata = Metadata(density=_density(data))
    if header.banded:
        return RawImage(_PlainRows(data, header.width, header.height), metadata=metadata)
    with BmpImagePlugin.BmpImageFile(io.BytesIO(data)) as picture:
        picture.load()
        grey = picture.mode in ("1", "L")
        pixels: Samples = np.asarray(picture.convert("L" if grey else "RGBA" if header.alpha else "RGB"))
        return RawImage(ArrayRows(pixels), metadata=metadata, grey=grey)


class _PlainRows:
    """True colour without masks, straight from the bytes: Pillow takes several times as long, and libvips reads no
    BMP."""

    def __init__(self, data: bytes, width: int, height: int) -> None:
        core, bits, start, stride = _layout(data, width)
        samples = bits // 8
        rows: Samples = np.ndarray((height, width, samples), np.uint8, data, start, (stride, samples, 1))
        upwards = core or struct.unpack_from("<i", data, 22)[0] > 0
        self._rows = rows[::-1] if upwards else rows
        self._top = 0

    def read(self, rows: int) -> Samples:
        part = self._rows[self._top : self._top + rows]
        self._top += len(part)
        swap = cv2.COLOR_BGR2RGB if part.shape[2] == 3 else cv2.COLOR_BGRA2RGB  # the fourth byte means nothing here
        pixels = np.empty((*part.shape[:2], 3), np.uint8)
        for row in range(0, len(part), _CACHED_ROWS):  # OpenCV copies rows that run upwards
            cv2.cvtColor(part[row : row + _CACHED_ROWS], swap, dst=pixels[row : row + _CACHED_ROWS])
        return pixels

    def close(self) -> None:
        self._rows = self._rows[:0]


def _layout(data: bytes, width: int) -> tuple[bool, int, int, int]:
    """Whether the header is OS/2's, bits of a pixel, offset of the rows, bytes from one row to the next."""
    start, size = struct.unpack_from("<II", data, 10)
    core = size == _CORE_HEADER
    (bits,) = struct.unpack_from("<H", data, 24 if core else 28)
    return core, bits, start or 14 + size, -(-width * (bits // 8) // 4) * 4


def _is_plain(data: bytes, width: int, height: int, bits: int) -> bool:
    """Whether the pixels can be taken from the bytes. Files that end early go to Pillow, which says so."""
    if bits not in (24, 32) or width < 1 or height < 1:
        return False
    size = struct.unpack_from("<I", data, 14)[0]
    _, _, start, stride = _layout(data, width)
    end = start + (height - 1) * stride + width * (bits // 8)  # the last row may come without its padding
    return size in _HEADERS and max(end, 14 + size) <= len(data)


def _density(data: bytes) -> tuple[float, float] | None:
    """Pixels per metre, in headers of 40 bytes and more."""
    if struct.unpack_from("<I", data, 14)[0] < 40:
        return None
    across, down = struct.unpack_from("<ii", data, 38)
    return across * _METRE_PER_INCH, down * _METRE_PER_INCH
