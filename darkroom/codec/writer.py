"""A picture written into its encoded file, from the top to the bottom, a band of rows at a time."""

from typing import Protocol

import numpy as np

from darkroom.codec.depth import as_depth
from darkroom.codec.encode import encode
from darkroom.codec.image import Depth, Description, EncodedFormat, Image, Samples


class Writer(Protocol):
    """One picture under way. Used by one thread at a time."""

    bits: Depth
    """Of the samples that `write` takes (it converts others) and, where the format holds as many, of the file."""

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        """The next rows: RGB [n, width, 3] and, where the writer was opened with `alpha`, alpha [n, width]. The arrays
        may be changed by the caller afterwards."""

    def finish(self) -> bytes:
        """The encoded file, when all rows have been written. Called once."""


def open_writer(
    description: Description,
    width: int,
    height: int,
    *,
    output_format: EncodedFormat,
    bits: Depth = 8,
    alpha: bool = False,
    quality: int | None = None,
) -> Writer:
    """Begin a picture of `width` x `height` pixels. `description`: greyness, profile and metadata that go along.
    Deterministic: the same rows and options give the same bytes, however they are divided into bands.

    Raises BadOptionError for a quality out of range or a format that cannot hold the size or the depth."""
    return WholeWriter(description, width, height, output_format, bits, alpha, quality)


class WholeWriter:
    """Collects the rows and encodes at the end."""

    def __init__(
        self,
        description: Description,
        width: int,
        height: int,
        output_format: EncodedFormat,
        bits: Depth,
        alpha: bool,
        quality: int | None,
    ) -> None:
        self.bits: Depth = bits
        self._description = description
        self._format, self._quality = output_format, quality
        self._pixels = np.empty((height, width, 3), np.uint8)
        self._alpha = np.empty((height, width), np.uint8) if alpha else None
        self._top = 0

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        part = slice(self._top, self._top + len(pixels))
        self._pixels[part] = as_depth(pixels, 8)
        if self._alpha is not None and alpha is not None:
            self._alpha[part] = as_depth(alpha, 8)
        self._top += len(pixels)

    def finish(self) -> bytes:
        about = self._description
        image = Image(self._pixels, self._alpha, about.grey, about.icc, about.format, about.metadata)
        return encode(image, self._format, self._quality)
