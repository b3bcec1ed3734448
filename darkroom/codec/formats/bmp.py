"""BMP (Windows DIB headers of every age, and OS/2's first)."""

import io
import struct

from PIL import BmpImagePlugin

from darkroom.codec.facts import Facts, Raster
from darkroom.codec.modes import to_raster
from darkroom.errors import BadImageError

_CORE_HEADER = 12
_UNCOMPRESSED, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6
_RLE = (1, 2)


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
    with BmpImagePlugin.BmpImageFile(io.BytesIO(data)) as picture:
        picture.load()
        return to_raster(picture, None)
