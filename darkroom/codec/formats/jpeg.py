"""JPEG (ITU-T T.81), 8 bits: baseline, progressive and arithmetic; grey, colour and CMYK."""

import re
import struct
from collections.abc import Iterator

import numpy as np
import simplejpeg
from PIL import Image as Pillow

from darkroom.codec import orientation
from darkroom.codec.facts import Facts, Raster
from darkroom.codec.image import Pixels
from darkroom.codec.modes import grey_raster, to_raster
from darkroom.errors import BadImageError

_MAX_SEGMENTS = 10_000
_MAX_SCANS = 64
"""Progressive files have about 10. Each costs a walk over the whole picture, 25 ms at 16 megapixels, however few bytes
it holds."""
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_APP1, _APP2, _SCAN, _END = 0xE1, 0xE2, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
_COLOURS = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
"""A marker with a body behind it, or the end of the picture."""
_DROPPED = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))
"""Application data and comments; what is kept of them (0xE0, 0xEE) says how the colours are coded."""
_HARMLESS = ("extraneous bytes", "JFIF revision", "Adobe color transform")


def parse(data: bytes) -> Facts:
    """Raises BadImageError for kinds of JPEG that viewers do not show either; struct.error if the header ends
    early."""
    turn = 0
    size: tuple[int, int, int] | None = None
    for marker, body in _header(data):
        if marker == _APP1 and body.startswith(_EXIF):
            turn = turn or orientation.from_exif(body)
        elif marker in _FRAMES:
            bits, height, width, components = struct.unpack_from(">BHHB", body)
            if marker not in _DECODABLE or bits != 8 or components not in _COLOURS:
                raise BadImageError(
                    f"The JPEG image is of a rare kind (frame type {marker - 0xC0}, {bits} bits, {components} "
                    "components); only 8-bit baseline and progressive JPEG with 1, 3 or 4 components is accepted."
                )
            size = width, height, components
    if size is None:
        raise BadImageError("The JPEG image is damaged: it announces no picture before its data.")
    width, height, components = size
    return Facts("jpeg", width, height, components == 1, False, orientation=turn or 1)


def load(data: bytes, facts: Facts) -> Raster:
    """The first picture of the file: cameras append previews behind it."""
    _refuse_many_scans(data)
    components = next(body[5] for marker, body in _header(data) if marker in _FRAMES)
    decoded = _decoded(_clean(data), _COLOURS[components])
    profile = _profile(data)
    if components == 1:
        return grey_raster(decoded[..., 0], None, profile)
    if components == 3:
        return Raster(decoded, None, False, profile)
    # CMYK files are stored inverted, by Adobe's custom, which every writer follows.
    return to_raster(Pillow.fromarray(np.invert(decoded), "CMYK"), profile)


def _decoded(data: bytes, colours: str) -> Pixels:
    """The library fills what is missing with grey and warns: strict, so that a warning is an error, except for the
    warnings that leave no mark on the picture."""
    try:
        decoded: Pixels = simplejpeg.decode_jpeg(data, colours, strict=True)
    except ValueError as error:
        if not any(warning in str(error) for warning in _HARMLESS):
            raise
        decoded = simplejpeg.decode_jpeg(data, colours, strict=False)
    return decoded


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the body of every segment up to the end of the picture (not of the file)."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            raise struct.error("the picture has no end")
        marker, start = data[found.end() - 1], found.end() + 2
        if marker == _END:
            return
        end = found.end() + max(2, struct.unpack_from(">H", data, found.end())[0])
        if end > len(data):
            raise struct.error("a segment ends early")
        yield marker, start, end
        at = end
    raise BadImageError(f"The JPEG image is damaged: it has more than {_MAX_SEGMENTS} segments.")


def _header(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of the segments before the first scan."""
    for marker, start, end in _segments(data):
        if marker == _SCAN:
            return
        yield marker, data[start:end]


def _clean(data: bytes) -> bytes:
    """The file without application data: the library refuses pictures over a malformed profile."""
    kept = [data[:2]]
    for marker, start, end in _segments(data):
        if marker == _SCAN:
            kept.append(data[start - 4 :])
            break
        if marker not in _DROPPED:
            kept.append(data[start - 4 : end])
    return b"".join(kept)


def _refuse_many_scans(data: bytes) -> None:
    scans = sum(marker == _SCAN for marker, _, _ in _segments(data))
    if scans > _MAX_SCANS:
        raise BadImageError(f"The JPEG image has {scans} scans; at most {_MAX_SCANS} are allowed.")


def _profile(data: bytes) -> bytes | None:
    """ICC.1:2022, B.4: up to 255 numbered parts."""
    parts: dict[int, bytes] = {}
    total = 0
    for marker, body in _header(data):
        if marker == _APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
            number, total = body[len(_ICC)], body[len(_ICC) + 1]
            parts[number] = body[len(_ICC) + 2 :]
    if not total or sorted(parts) != list(range(1, total + 1)):
        return None
    return b"".join(parts[number] for number in range(1, total + 1))
