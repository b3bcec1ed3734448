"""TIFF 6.0 in strips: rows are differenced and deflated as they come (Intel's ISA-L), and Pillow packs the directory.

Pillow and OpenCV encode whole pictures only, and Pillow has no 16-bit colour. tifffile pulls strips from a generator
and writes no EXIF directories. libvips needs a thread that it can pull rows from, takes 2 to 3 times as long for files
that are a third larger, and writes no EXIF directories either (`docs/decisions/writing_pictures.md`).
"""

import io
import itertools
from typing import Any

import numpy as np
from isal import isal_zlib
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from PIL.TiffTags import BYTE, LONG, LONG8, SHORT, UNDEFINED

from darkroom.codec import icc
from darkroom.codec.exif_blocks import ExifDirectories, laid_out, parsed, set_density
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
_STRIP_OFFSETS, _STRIP_LENGTHS = 273, 279
_XMP, _IPTC, _ICC = 700, 33723, 34675
_DESCRIPTIVE = frozenset(
    # document, description, make, model, page, software, date, artist, host, rating (2), copyright, Windows' five
    (269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095)
)
"""Tags of an EXIF block's main directory that describe the picture and not how it was stored."""


class TiffWriter:
    """Grey or RGB, with or without alpha (not premultiplied), of 8 or 16 bits. Holds the file so far and a band."""

    def __init__(self, description: Description, width: int, height: int, *, bits: Depth, alpha: bool) -> None:
        self.bits: Depth = bits
        grey = description.grey
        row_bytes = width * ((1 if grey else 3) + alpha) * bits // 8
        rows = min(height, max(1, _STRIP_BYTES // row_bytes))
        self._bands = Bands(width, height, rows=rows, grey=grey, alpha=alpha, bits=bits)
        big = height * row_bytes > _MOST_CLASSIC
        self._header = _BIG if big else _CLASSIC
        self._offset_kind = LONG8 if big else LONG
        exif = parsed(description.metadata.exif)
        main = self._layout(rows, -(-height // rows), grey=grey, alpha=alpha)
        for tag in _DESCRIPTIVE.intersection(exif.main):
            _put(main, tag, exif.main.tagtype[tag], exif.main[tag])
        _put_metadata(main, description.metadata, icc.kept(description.icc, grey=grey))
        self._directories = ExifDirectories(main, exif.nested)
        # The directories stand before the strips: their size is known now, and their values when all strips are.
        start = laid_out(self._directories, len(self._header))
        self._nested_bytes = len(start) - len(main.tobytes())
        self._lengths: list[int] = []
        self._file = io.BytesIO()
        self._file.write(self._header + start)

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        for band in self._bands.add(pixels, alpha):
            differences = band.astype(band.dtype.newbyteorder("<"))
            np.subtract(band[:, 1:], band[:, :-1], out=differences[:, 1:])
            strip = isal_zlib.compress(differences, _LEVEL)
            self._lengths.append(len(strip))
            self._file.write(strip)

    def finish(self) -> bytes:
        self._bands.check_complete()
        # The library counts offsets of strips from the end of the main directory.
        offsets = itertools.accumulate(self._lengths[:-1], initial=self._nested_bytes)
        _put(self._directories.main, _STRIP_OFFSETS, self._offset_kind, *offsets)
        _put(self._directories.main, _STRIP_LENGTHS, LONG, *self._lengths)
        self._file.seek(len(self._header))
        self._file.write(laid_out(self._directories, len(self._header)))
        return self._file.getvalue()

    def _layout(self, rows: int, strips: int, *, grey: bool, alpha: bool) -> Directory:
        """How the samples are stored; offsets and lengths of the strips are 0."""
        width, height = self._bands.size
        channels = self._bands.channels
        main = Directory(self._header)
        _put(main, 256, LONG, width)
        _put(main, 257, LONG, height)
        _put(main, 258, SHORT, *(self.bits,) * channels)
        _put(main, 259, SHORT, _DEFLATE)
        _put(main, 262, SHORT, _BLACK_IS_ZERO if grey else _RGB)
        _put(main, 277, SHORT, channels)
        _put(main, 278, LONG, rows)
        _put(main, 284, SHORT, 1)
        _put(main, 317, SHORT, _HORIZONTAL)
        if alpha:
            _put(main, 338, SHORT, _UNASSOCIATED_ALPHA)
        _put(main, _STRIP_OFFSETS, self._offset_kind, *(0,) * strips)
        _put(main, _STRIP_LENGTHS, LONG, *(0,) * strips)
        return main


def _put_metadata(main: Directory, metadata: Metadata, profile: bytes | None) -> None:
    if metadata.density is not None:
        set_density(main, metadata.density)
    for tag, kind, blob in ((_XMP, BYTE, metadata.xmp), (_IPTC, UNDEFINED, metadata.iptc), (_ICC, UNDEFINED, profile)):
        if blob is not None:
            _put(main, tag, kind, blob)


def _put(directory: Directory, tag: int, kind: int, *values: Any) -> None:
    directory.tagtype[tag] = kind
    directory[tag] = values if len(values) > 1 else values[0]
