"""Colours for pixels that are fully transparent, taken from the visible ones around them.

What editors leave there (black, white, a wrong colour) would reach visible pixels through every network and filter.
Push-pull (Gortler et al., The Lumigraph, 1996): the picture is halved again and again, weighted with its alpha, until
everything has a colour, and what has none takes it from the smaller picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.codec.image import Samples
from darkroom.codec.raw import most_of

_BAND_ROWS = 256
"""Even: rows are halved in pairs."""
_FULL = 1.0
Floats = NDArray[np.float32]


def spread(pixels: Samples, alpha: Samples) -> None:
    """Replace, in place, the colours of `pixels` [h, w, 3] where `alpha` [h, w] is 0. Partly transparent pixels keep
    theirs. Deterministic. A picture without a visible pixel becomes black."""
    if alpha.min() > 0:
        return
    smaller = _filled(_half_of_samples(pixels, alpha))
    width = pixels.shape[1]
    most = most_of(pixels)
    for top in range(0, len(pixels), _BAND_ROWS):
        hidden = alpha[top : top + _BAND_ROWS] == 0
        if hidden.any():
            first, last = max(0, top // 2 - 1), top // 2 + _BAND_ROWS // 2 + 1
            larger = _twice(smaller[first:last], 2 * len(smaller[first:last]), width)[top - 2 * first :][: len(hidden)]
            colours = np.rint(np.clip(larger, 0, most)).astype(pixels.dtype)
            pixels[top : top + _BAND_ROWS][hidden] = colours[hidden]


def _half_of_samples(pixels: Samples, alpha: Samples) -> Floats:
    """[h / 2, w / 2, 4]: the mean colour, weighted with alpha, times its weight; and the weight. 0 to 1 of it."""
    height, width = alpha.shape
    half = np.empty((-(-height // 2), -(-width // 2), 4), np.float32)
    for top in range(0, height, _BAND_ROWS):
        weight = alpha[top : top + _BAND_ROWS].astype(np.float32) / np.float32(most_of(alpha))
        band = np.dstack((pixels[top : top + _BAND_ROWS].astype(np.float32) * weight[..., None], weight))
        half[top // 2 : top // 2 + -(-len(band) // 2)] = _halved(band)
    return half


def _halved(band: Floats) -> Floats:
    """The mean of blocks of 2 x 2; the last row and column stand for two where their number is odd."""
    band = np.pad(band, ((0, len(band) % 2), (0, band.shape[1] % 2), (0, 0)), "edge")
    half: Floats = (band[::2, ::2] + band[1::2, ::2] + band[::2, 1::2] + band[1::2, 1::2]) / np.float32(4)
    return half


def _filled(weighted: Floats) -> Floats:
    """Colours [h, w, 3] for every pixel of premultiplied colours and weights [h, w, 4]."""
    weight = weighted[..., 3:]
    colours: Floats = weighted[..., :3] / np.maximum(weight, np.float32(1e-12))
    if weight.shape[:2] == (1, 1):
        return colours
    # A little weight is enough to name a colour; half-covered pixels must not draw on the far surroundings.
    strength = np.minimum(weight * np.float32(16), np.float32(_FULL))
    if strength.min() < _FULL:
        below = _twice(_filled(_halved(weighted)), *weight.shape[:2])
        colours += (below - colours) * (1 - strength)
    return colours


def _twice(colours: Floats, height: int, width: int) -> Floats:
    """Twice as large, cut to `height` x `width`: linear interpolation."""
    size = 2 * colours.shape[1], 2 * colours.shape[0]
    larger: Floats = cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR)
    cut: Floats = larger[:height, :width]
    return cut
