"""Pillow's pixel modes -> the codec's arrays, converted as a viewer would show them."""

import cv2
import numpy as np
from PIL import Image as Pillow

from darkroom.codec.facts import Raster
from darkroom.codec.icc import cmyk_to_srgb
from darkroom.codec.image import Pixels

_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_TO_GREY_ALPHA = ("LA", "La")
_TO_RGBA = ("PA", "RGBA", "RGBa")
_TO_RGB = ("P", "RGB", "RGBX", "YCbCr")


def to_raster(picture: Pillow.Image, icc: bytes | None, bits: int = 8) -> Raster:
    """Arrays of a Pillow picture whose grey samples have `bits` bits. Samples above 8 bits keep their high byte:
    exact for pictures that once were 8 bits, and the same for grey as for colour. ValueError for modes without a
    range that could be shown (32-bit integer and floating point samples)."""
    mode = picture.mode
    if mode in ("1", "L"):
        return grey_raster(_samples(picture, "L"), None, icc)
    if mode in _SIXTEEN_BITS:
        return grey_raster((np.asarray(picture) >> (bits - 8)).astype(np.uint8), None, icc)
    if mode in _TO_GREY_ALPHA:
        both = _samples(picture, "LA")
        return grey_raster(both[..., 0], np.ascontiguousarray(both[..., 1]), icc)
    if mode in _TO_RGBA:
        four = _samples(picture, "RGBA")
        return Raster(cv2.cvtColor(four, cv2.COLOR_RGBA2RGB), cv2.extractChannel(four, 3), False, icc)
    if mode in _TO_RGB:
        return Raster(_samples(picture, "RGB"), None, False, icc)
    if mode == "CMYK":
        return Raster(np.asarray(cmyk_to_srgb(picture, icc)), None, False, None)
    raise ValueError(f"pixel mode {mode}")


def grey_raster(light: Pixels, alpha: Pixels | None, icc: bytes | None) -> Raster:
    """A grey picture from its one channel, uint8 [h, w]."""
    return Raster(cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), alpha, True, icc)


def _samples(picture: Pillow.Image, mode: str) -> Pixels:
    """The picture in `mode`, read-only; Pillow would copy even a picture that has it already."""
    return np.asarray(picture if picture.mode == mode else picture.convert(mode))
