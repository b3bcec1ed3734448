"""JPEG (ITU-T T.81), 8 bits: baseline, progressive and arithmetic; grey, colour and CMYK.

libjpeg-turbo through simplejpeg decodes small pictures, and those that libvips finds fault with: libvips takes 1.5
times as long, holds only a band, and gives the same pixels, but cannot tell harmless warnings from lost pixels.
"""

import re
import struct
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import simplejpeg

from darkroom.codec import icc, orientation, photoshop
from darkroom.codec.image import Metadata, Pixels, Samples
from darkroom.codec.raw import (
    NO_ROWS,
    WHOLE_PIXELS,
    ArrayRows,
    Choice,
    MappedRows,
    RawHeader,
    RawImage,
    Rows,
    choose_frame,
)
from darkroom.codec.vips import VipsError, VipsRows
from darkroom.errors import BadImageError

_Segment: TypeAlias = tuple[int, int, int]
"""Marker, start and end of the body."""
_MAX_SEGMENTS = 10_000
_MAX_SCANS = 64
"""Progressive files have about 10. Each costs a walk over the whole picture, 25 ms at 16 megapixels, however few bytes
it holds."""
_EXIF, _ICC, _XMP = b"Exif\0\0", b"ICC_PROFILE\0", b"http://ns.adobe.com/xap/1.0/\0"
_JFIF, _PHOTOSHOP = b"JFIF\0", b"Photoshop 3.0\0"
_APP0, _APP1, _APP2, _APP13, _SCAN, _END = 0xE0, 0xE1, 0xE2, 0xED, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
_SEQUENTIAL = frozenset((0xC0, 0xC1))
_COLOURS = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
"""A marker with a body behind it, or the end of the picture."""
_DROPPED = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))
"""Application data and comments; what is kept of them (0xE0, 0xEE) says how the colours are coded."""
_HARMLESS = ("extraneous bytes", "JFIF revision", "Adobe color transform")
_MISSING = 128
"""Where the data ends, the decoder goes on with grey of this value."""
_CM_PER_INCH = 2.54
_TAIL = 2**16
"""Bytes at the end of a file in which the end of the picture is looked for."""


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for kinds of JPEG that viewers do not show either; struct.error if the header ends
    early."""
    turn = 0
    size: tuple[int, int, int] | None = None
    sequential = False
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
            sequential = marker in _SEQUENTIAL
    if size is None:
        raise BadImageError("The JPEG image is damaged: it announces no picture before its data.")
    choose_frame("JPEG", 1, choice, "pictures")
    width, height, components = size
    banded = sequential and components != 4 and width * height > WHOLE_PIXELS and b"\xff\xd9" in data[-_TAIL:]
    banded = banded and _first_scan(data) == components  # several scans are collected before rows come out
    return RawHeader("jpeg", width, height, components == 1, False, orientation=turn or 1, banded=banded)


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """The first picture of the file: cameras append previews behind it."""
    segments = list(_segments(data))
    _refuse_many_scans(segments)
    frame = next(body for marker, body in _header(data) if marker in _FRAMES)
    colours = _COLOURS[frame[5]]
    clean = _clean(data, segments)
    image = RawImage(NO_ROWS, _profile(data), _metadata(data))
    if header.banded:
        image.rows = _BandRows(clean, colours, choice, image)
        return image
    decoded = _decoded(clean, colours, choice, image)
    image.rows = ArrayRows(decoded)
    if colours == "CMYK":
        # CMYK files are stored inverted, by Adobe's custom, which every writer follows.
        convert = icc.cmyk_converter(image.icc)
        image.rows = MappedRows(image.rows, lambda band: convert(np.invert(band)))
        image.icc = None
    return image


class _BandRows:
    """libvips's rows. Where it meets a fault, the rest comes from the whole picture, whose decoder knows which faults
    leave no mark."""

    def __init__(self, data: bytes, colours: str, choice: Choice, image: RawImage) -> None:
        self._rows: Rows | None = None
        self._again = data, colours, choice, image
        self._top = 0

    def read(self, rows: int) -> Samples:
        try:
            if self._rows is None:
                self._rows = VipsRows("jpeg", self._again[0], fail_on="warning")
            band = self._rows.read(rows)
        except VipsError:
            self._rows = ArrayRows(_decoded(*self._again)[self._top :])
            band = self._rows.read(rows)
        self._top += len(band)
        return band

    def close(self) -> None:
        if self._rows is not None:
            self._rows.close()
        self._rows = NO_ROWS


def _decoded(data: bytes, colours: str, choice: Choice, image: RawImage) -> Pixels:
    """The library fills what is missing with grey and warns: strict, so that a warning is an error, except for the
    warnings that leave no mark on the picture."""
    try:
        decoded: Pixels = simplejpeg.decode_jpeg(data, colours, strict=True)
    except ValueError as error:
        harmless = any(warning in str(error) for warning in _HARMLESS)
        if not harmless and choice.truncated == "refuse":
            if "premature end" in str(error).lower():
                raise BadImageError(
                    "The JPEG image is truncated: its pixels are not complete; truncated=accept processes what is "
                    "there."
                ) from error
            raise
        decoded = simplejpeg.decode_jpeg(data, colours, strict=False)
        if not harmless:
            image.report.update(truncated=True, missing_rows=_missing_rows(decoded))
    return decoded


def _missing_rows(decoded: Pixels) -> int:
    """Rows at the bottom that the decoder filled with grey."""
    filled = (decoded == _MISSING).all(axis=(1, 2))
    return int(len(filled) if filled.all() else np.argmin(filled[::-1]))


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments up to the end of the picture (not of the file)."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            return
        marker, start = data[found.end() - 1], found.end() + 2
        if marker == _END:
            yield marker, found.end(), found.end()
            return
        if start > len(data):  # the file is cut within a marker
            return
        end = found.end() + max(2, struct.unpack_from(">H", data, found.end())[0])
        yield marker, start, end
        at = end
    raise BadImageError(f"The JPEG image is damaged: it has more than {_MAX_SEGMENTS} segments.")


def _header(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of the segments before the first scan."""
    for marker, start, end in _segments(data):
        if marker == _SCAN:
            return
        if end > len(data):
            break
        yield marker, data[start:end]
    raise struct.error("the header ends early")


def _first_scan(data: bytes) -> int:
    """How many components the first scan holds; 0 where there is none."""
    return next((data[start] for marker, start, end in _segments(data) if marker == _SCAN and end <= len(data)), 0)


def _clean(data: bytes, segments: list[_Segment]) -> bytes:
    """The file without application data, which libraries refuse pictures over, and with an end."""
    kept = [data[:2]]
    for marker, start, end in segments:
        if marker == _SCAN:
            kept.append(data[start - 4 :])
            break
        if marker not in _DROPPED:
            kept.append(data[start - 4 : end])
    if segments[-1][0] != _END:
        kept.append(b"\xff\xd9")
    return b"".join(kept)


def _refuse_many_scans(segments: list[_Segment]) -> None:
    scans = sum(marker == _SCAN for marker, _, _ in segments)
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


def _metadata(data: bytes) -> Metadata:
    exif = xmp = density = None
    resources = b""
    for marker, body in _header(data):
        if marker == _APP0 and body.startswith(_JFIF) and density is None:
            density = _jfif_density(body)
        elif marker == _APP1 and body.startswith(_EXIF):
            exif = exif or body[len(_EXIF) :]
        elif marker == _APP1 and body.startswith(_XMP):
            xmp = xmp or body[len(_XMP) :]
        elif marker == _APP13 and body.startswith(_PHOTOSHOP):
            resources += body[len(_PHOTOSHOP) :]  # long ones are split over segments
    return Metadata(exif, xmp, photoshop.iptc_of(resources), density)


def _jfif_density(body: bytes) -> tuple[float, float] | None:
    """JFIF 1.02: unit 1 is pixels per inch, 2 per centimetre."""
    if len(body) < 12 or body[7] not in (1, 2):
        return None
    factor = 1.0 if body[7] == 1 else _CM_PER_INCH
    across, down = struct.unpack_from(">HH", body, 8)
    return across * factor, down * factor
