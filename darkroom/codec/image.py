"""The picture between the codec's two ends, and the little that a file's header tells about it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

InputFormat: TypeAlias = Literal["jpeg", "png", "webp", "tiff", "bmp"]
EncodedFormat: TypeAlias = Literal["png", "jpeg", "webp"]
OutputFormat: TypeAlias = Literal["same", "png", "jpeg", "webp"]
Pixels: TypeAlias = NDArray[np.uint8]


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

    @property
    def width(self) -> int:
        """Pixels."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.pixels.shape[0]
