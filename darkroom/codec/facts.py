"""What one format module hands to the rest of the codec."""

from dataclasses import dataclass

from darkroom.codec.image import InputFormat, Pixels


@dataclass(frozen=True)
class Facts:
    """Stated by the header, before any pixel is decoded."""

    format: InputFormat
    width: int
    """Pixels as stored, before the EXIF orientation."""
    height: int
    """Pixels as stored, before the EXIF orientation."""
    grey: bool
    alpha: bool
    bits: int = 8
    """Of one sample."""
    orientation: int = 1
    """EXIF orientation, 1..8."""


@dataclass(frozen=True)
class Raster:
    """Decoded, as stored: the EXIF orientation is not applied yet."""

    pixels: Pixels
    """uint8 [h, w, 3]."""
    alpha: Pixels | None
    """uint8 [h, w]."""
    grey: bool
    icc: bytes | None
    """Whatever profile the file carries and still describes `pixels`; not yet checked."""
