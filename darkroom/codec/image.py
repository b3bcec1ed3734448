"""The picture between the codec's two ends, and the little that a file's header tells about it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

InputFormat: TypeAlias = Literal["jpeg", "png", "webp", "tiff", "bmp", "gif", "avif", "heic", "jxl"]
EncodedFormat: TypeAlias = Literal["png", "jpeg", "webp", "avif", "tiff"]
OutputFormat: TypeAlias = Literal["same", "png", "jpeg", "webp", "avif", "tiff"]
Depth: TypeAlias = Literal[8, 16]
Pixels: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""Pixels of either depth."""


@dataclass(frozen=True)
class Header:
    """What the file states about its picture; nothing of it has been decoded."""

    format: InputFormat
    width: int
    """Pixels, as displayed: after the EXIF orientation."""
    height: int
    """Pixels, as displayed: after the EXIF orientation."""
    grey: bool
    """One channel of light. A palette counts as colour."""
    alpha: bool
    """Transparency is stored: a channel, a transparent colour or a palette with transparent entries."""
    bits: Depth = 8
    """Of a sample as it will be decoded: 16 where the file holds more than 8."""
    banded: bool = False
    """Decoding holds a band of rows at a time; False where it holds the whole picture (progressive, interlaced,
    rotated, transparent ...)."""


@dataclass(frozen=True)
class Metadata:
    """What the file says about its picture besides pixels and colours."""

    exif: bytes | None = None
    """A TIFF structure (without the `Exif` prefix), without orientation, stale sizes and thumbnail."""
    xmp: bytes | None = None
    """An XMP packet, UTF-8."""
    iptc: bytes | None = None
    """IPTC-IIM records."""
    density: tuple[float, float] | None = None
    """Pixels per inch, horizontal and vertical, of the picture as displayed."""


@dataclass(frozen=True)
class Description:
    """What an answer takes over from its source."""

    format: InputFormat
    """`output_format=same` looks at it."""
    grey: bool = False
    """Encode as one channel (its Rec. 601 luma, should the channels have come to differ)."""
    icc: bytes | None = None
    """The ICC profile that describes the pixels (an RGB profile, or a grey one if `grey`); None means sRGB."""
    metadata: Metadata = Metadata()


@dataclass(eq=False)
class Image:
    """A decoded picture, upright (the EXIF orientation is applied and forgotten)."""

    pixels: Pixels
    """uint8 [height, width, 3], RGB 0..255, not premultiplied; in a grey picture the three channels are equal.
    A decoded array may be read-only."""
    alpha: Pixels | None
    """uint8 [height, width], 0 transparent to 255 opaque; None where the file stores no transparency."""
    grey: bool
    """Encode as one channel (its Rec. 601 luma, should the channels have come to differ)."""
    icc: bytes | None
    """The ICC profile that describes `pixels` (an RGB profile, or a grey one if `grey`); None means sRGB."""
    format: InputFormat
    """Of the file it came from; `output_format=same` looks at it."""
    metadata: Metadata = Metadata()

    @property
    def description(self) -> Description:
        """What an answer takes over from this picture."""
        return Description(self.format, self.grey, self.icc, self.metadata)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.pixels.shape[0]
