"""TIFF 6.0 in strips: rows are differenced and deflated as they come (Intel's ISA-L), and Pillow writes the directory.

Pillow and OpenCV encode whole pictures only, and Pillow has no 16-bit colour. tifffile takes strips that are encoded
already, but writes no EXIF directories. libvips needs a thread that it can pull rows from, and deflates 3 to 8 times
slower (`python -m perf.codec`).
"""

import io
import itertools
from typing import Any

import numpy as np
from isal import isal_zlib
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from PIL.TiffTags import BYTE, LONG, LONG8, SHORT, UNDEFINED

from darkroom.codec import icc
from darkroom.codec.exif_blocks import ExifDirectories, copied, laid_out, parsed, set_density
from darkroom.codec.image import Depth, Description, Metadata, Samples
from darkroom.codec.rows import Bands

_LEVEL = 1
_STRIP_BYTES = 2**20
"""Of a strip before compression, about."""
_CLASSIC, _BIG = b"II*\0\x08\0\0\0", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"
_MOST_CLASSIC = 2**32 - 2**26
"""Bytes of the samples from which a file has 64-bit offsets (BigTIFF), whatever they are compressed to."""
_DEFLATE, _HORIZONTAL = 8, 2
_BLACK_IS_ZERO, _RGB, _UNASSOCIATED_ALPHA = 1, 2, 2
_XMP, _IPTC, _ICC = 700, 33723, 34675
_DESCRIPTIVE = frozenset(
    # document, description, make, model, page, software, date, artist, host, rating (2), copyright, Windows' five
    (269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095)
)
"""Tags of an EXIF block's main directory that describe the picture and not how it was stored."""


class TiffWriter:
    """Grey or RGB, with or without alpha (not premultiplied), of 8 or 16 bits. Holds the encoded strips and a band."""

    def __init__(self, description: Description, width: int, height: int, *, bits: Depth, alpha: bool) -> None:
        self.bits: Depth = bits
        row_bytes = width * ((1 if description.grey else 3) + alpha) * bits // 8
        self._rows = min(height, max(1, _STRIP_BYTES // row_bytes))
        self._bands = Bands(width, height, rows=self._rows, grey=description.grey, alpha=alpha, bits=bits)
        self._alpha = alpha
        self._description = description
        self._big = height * row_bytes > _MOST_CLASSIC
        self._strips: list[bytes] = []

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        for band in self._bands.add(pixels, alpha):
            differences = band.astype(band.dtype.newbyteorder("<"))
            np.subtract(band[:, 1:], band[:, :-1], out=differences[:, 1:])
            self._strips.append(isal_zlib.compress(differences, _LEVEL))

    def finish(self) -> bytes:
        self._bands.check_complete()
        header = _BIG if self._big else _CLASSIC
        directories = self._directories(header)
        nested = len(laid_out(directories, len(header))) - len(directories.main.tobytes())
        lengths = [len(strip) for strip in self._strips]
        # The library counts strips from the end of its own directory.
        _put(directories.main, 273, LONG8 if self._big else LONG, *itertools.accumulate(lengths[:-1], initial=nested))
        file = io.BytesIO()
        file.write(header + laid_out(directories, len(header)))
        self._strips.reverse()
        while self._strips:
            file.write(self._strips.pop())
        return file.getvalue()

    def _directories(self, header: bytes) -> ExifDirectories:
        description, metadata = self._description, self._description.metadata
        width, height = self._bands.size
        channels = self._bands.channels
        exif = parsed(metadata.exif)
        main = Directory(header)
        described = copied(exif.main, _DESCRIPTIVE.intersection(exif.main))
        for tag in described:
            _put(main, tag, described.tagtype[tag], described[tag])
        _put(main, 256, LONG, width)
        _put(main, 257, LONG, height)
        _put(main, 258, SHORT, *(self.bits,) * channels)
        _put(main, 259, SHORT, _DEFLATE)
        _put(main, 262, SHORT, _BLACK_IS_ZERO if description.grey else _RGB)
        _put(main, 277, SHORT, channels)
        _put(main, 278, LONG, self._rows)
        _put(main, 279, LONG, *(len(strip) for strip in self._strips))
        _put(main, 273, LONG8 if self._big else LONG, *(0 for _ in self._strips))
        _put(main, 284, SHORT, 1)
        _put(main, 317, SHORT, _HORIZONTAL)
        if self._alpha:
            _put(main, 338, SHORT, _UNASSOCIATED_ALPHA)
        if metadata.density is not None:
            set_density(main, metadata.density)
        _put_blobs(main, metadata, icc.kept(description.icc, grey=description.grey))
        return ExifDirectories(main, exif.nested)


def _put_blobs(main: Directory, metadata: Metadata, profile: bytes | None) -> None:
    for tag, kind, blob in ((_XMP, BYTE, metadata.xmp), (_IPTC, UNDEFINED, metadata.iptc), (_ICC, UNDEFINED, profile)):
        if blob is not None:
            _put(main, tag, kind, blob)


def _put(directory: Directory, tag: int, kind: int, *values: Any) -> None:
    directory.tagtype[tag] = kind
    directory[tag] = values if len(values) > 1 else values[0]
