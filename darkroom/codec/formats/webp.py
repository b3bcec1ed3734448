"""WebP (RFC 9649): lossy, lossless and extended files."""

import io
import struct
from collections.abc import Iterator

from PIL import WebPImagePlugin

from darkroom.codec import orientation
from darkroom.codec.facts import Facts, Raster
from darkroom.codec.modes import to_raster
from darkroom.errors import BadImageError

_MAX_CHUNKS = 1000
_ANIMATION, _ALPHA = 0x02, 0x10


def parse(data: bytes) -> Facts:
    """Raises BadImageError for animations and files shorter than they announce; struct.error if the header ends
    early."""
    announced = struct.unpack_from("<I", data, 4)[0] + 8
    if announced > len(data):
        raise BadImageError(f"The WebP image is truncated: it announces {announced} bytes and ends after {len(data)}.")
    first = data[12:16]
    if first == b"VP8X":
        return _extended(data)
    if first == b"VP8L":
        packed = struct.unpack_from("<I", data, 21)[0]
        width, height, alpha = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, bool(packed >> 28 & 1)
        return Facts("webp", width, height, False, alpha)
    if first == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Facts("webp", width & 0x3FFF, height & 0x3FFF, False, False)
    raise BadImageError("The WebP image is damaged: it holds no picture.")


def load(data: bytes, facts: Facts) -> Raster:
    """WebP has no grey pictures: they come as colour."""
    with WebPImagePlugin.WebPImageFile(io.BytesIO(data)) as picture:
        picture.load()
        profile = next((body for name, body in _chunks(data) if name == b"ICCP"), None)
        return to_raster(picture, profile)


def _extended(data: bytes) -> Facts:
    flags = data[20]
    if flags & _ANIMATION:
        raise BadImageError("The WebP image is animated; only still images are accepted.")
    width = int.from_bytes(data[24:27], "little") + 1
    height = int.from_bytes(data[27:30], "little") + 1
    turn = 1
    for name, body in _chunks(data):
        if name == b"EXIF":
            turn = orientation.from_exif(body)
        elif name == b"ANMF":
            raise BadImageError("The WebP image is animated; only still images are accepted.")
    return Facts("webp", width, height, False, bool(flags & _ALPHA), orientation=turn)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies, as far as they go; the decoder judges whether the picture is whole."""
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        name, length = struct.unpack_from("<4sI", data, at)
        # The pictures themselves are the only large chunks, and nobody asks for their bodies here.
        yield name, data[at + 8 : at + 8 + length] if name in (b"EXIF", b"ICCP") else b""
        at += 8 + length + length % 2
