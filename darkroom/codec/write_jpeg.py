"""JPEG through OpenCV's libjpeg-turbo: the tables, the DCT and the files are those of Pillow, and other threads run
meanwhile. Pillow holds the interpreter's lock while it encodes, and releases it only between blocks of a millisecond.

simplejpeg releases the lock too, but below quality 96 it uses the fast, inexact DCT whatever its arguments say: 0.5 to
1 dB lost at quality 95, in larger files (`python -m perf.codec`).

A large picture is encoded in bands, and their scans are joined by restart markers (ITU-T T.81, B.2.1): after a restart
marker a scan begins anew, on a whole byte and without a predecessor, as it does at the top of a file. The decoded
pixels are those of the picture encoded at once.
"""

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.codec import icc
from darkroom.codec.image import Depth, Description, Samples
from darkroom.codec.jpeg_segments import metadata_segments, with_density
from darkroom.codec.rows import Bands

_FULL_CHROMA_FROM = 90
"""Quality from which every pixel keeps its own colour (4:4:4); below, colour has half the resolution (4:2:0)."""
_BAND_PIXELS = 2**22
"""Of a band, at most: 12 MB. Smaller pictures are one band, without restart markers."""
_MOST_UNITS = 65_535
"""Coded units (MCU) between two restart markers, at most (T.81, B.2.4.4)."""
_DRI, _SOF0, _SOS = b"\xff\xdd", 0xC0, 0xDA
_END = b"\xff\xd9"


class JpegWriter:
    """Baseline JFIF, grey or YCbCr; transparency becomes white paper. `quality` 1..100 scales the standard tables.
    Holds the file so far and a band of rows."""

    bits: Depth = 8

    def __init__(self, description: Description, width: int, height: int, *, alpha: bool, quality: int) -> None:
        grey = description.grey
        full = quality >= _FULL_CHROMA_FROM
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
        self._settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
        unit = 8 if full or grey else 16
        units_across = -(-width // unit)
        unit_rows = max(1, min(_BAND_PIXELS // (units_across * unit * unit), _MOST_UNITS // units_across))
        self._bands = Bands(width, height, rows=unit_rows * unit, grey=grey, alpha=alpha, over_white=True)
        self._interval = unit_rows * units_across if height > unit_rows * unit else 0
        """Coded units of a band; 0 where one band is the whole picture."""
        self._height = height
        self._density = description.metadata.density
        self._segments = metadata_segments(description.metadata, icc.kept(description.icc, grey=grey))
        self._done = 0
        self._file = io.BytesIO()

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        for band in self._bands.add(pixels, alpha):
            stored = band[..., 0] if self._bands.channels == 1 else cv2.cvtColor(band, cv2.COLOR_RGB2BGR)
            header, scan = _split(_encoded(stored, self._settings))
            if self._done == 0:
                self._file.write(self._first_header(header))
            else:
                self._file.write(bytes((0xFF, 0xD0 + (self._done - 1) % 8)))
            self._file.write(scan)
            self._done += 1

    def finish(self) -> bytes:
        self._bands.check_complete()
        self._file.write(_END)
        return self._file.getvalue()

    def _first_header(self, header: memoryview) -> bytes:
        """That of the whole picture, from the header of its first band."""
        segments = dict(_segments(header))
        app0_ends = 4 + int.from_bytes(header[4:6], "big")
        parts: list[bytes | memoryview] = [with_density(bytes(header[:app0_ends]), self._density), *self._segments]
        if not self._interval:
            return b"".join((*parts, header[app0_ends:]))
        height_at, scan_at = segments[_SOF0] + 5, segments[_SOS]
        parts += [header[app0_ends:height_at], self._height.to_bytes(2, "big"), header[height_at + 2 : scan_at]]
        return b"".join((*parts, _DRI, b"\0\4", self._interval.to_bytes(2, "big"), header[scan_at:]))


def _encoded(stored: NDArray[Any], settings: list[int]) -> memoryview:
    done, encoded = cv2.imencode(".jpg", np.ascontiguousarray(stored), settings)
    if not done:
        raise MemoryError("The JPEG could not be written.")
    return encoded.reshape(-1).data


def _segments(file: memoryview) -> list[tuple[int, int]]:
    """Marker and offset of every segment up to the start of the scan."""
    found: list[tuple[int, int]] = []
    at = 2
    while not found or found[-1][0] != _SOS:
        found.append((file[at + 1], at))
        at += 2 + int.from_bytes(file[at + 2 : at + 4], "big")
    return found


def _split(file: memoryview) -> tuple[memoryview, memoryview]:
    """The header with the scan's own, and the coded scan without the end marker."""
    scan_header = _segments(file)[-1][1]
    scan = scan_header + 2 + int.from_bytes(file[scan_header + 2 : scan_header + 4], "big")
    return file[:scan], file[scan : -len(_END)]
