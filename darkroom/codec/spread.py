"""Colours for pixels that are fully transparent, taken from the visible ones around them.

What editors leave there (black, white, a wrong colour) would reach visible pixels through every network and filter.
Push-pull (Gortler et al., The Lumigraph, 1996): the picture is halved again and again, weighted with its alpha, until
everything has a colour, and what has none takes it from the smaller picture.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.codec.image import Samples
from darkroom.codec.raw import most_of

_BAND_ROWS = 256
"""Even: rows are halved in pairs."""
Floats = NDArray[np.float32]


def spread(pixels: Samples, alpha: Samples) -> None:
    """Replace, in place, the colours of `pixels` [h, w, 3] where `alpha` [h, w] is 0. Partly transparent pixels keep
    theirs. Deterministic. A picture without a visible pixel becomes black."""
    if alpha.min() > 0:
        return
    colours = _filled(*_half_of_samples(pixels, alpha))
    smaller = np.rint(colours, out=colours).astype(pixels.dtype)
    width = pixels.shape[1]
    for top in range(0, len(pixels), _BAND_ROWS):
        hidden = alpha[top : top + _BAND_ROWS] == 0
        if hidden.any():
            first, last = max(0, top // 2 - 1), top // 2 + _BAND_ROWS // 2 + 1
            larger = _twice(smaller[first:last], 2 * (last - first), width)[top - 2 * first :]
            np.copyto(pixels[top : top + _BAND_ROWS], larger[: len(hidden)], where=hidden[..., None])


def _half_of_samples(pixels: Samples, alpha: Samples) -> tuple[Floats, Floats]:
    """Mean of 2 x 2 pixels: colours times weight [h / 2, w / 2, 3] and weight [h / 2, w / 2], 0 to 1: the alpha."""
    height, width = alpha.shape
    colours = np.empty((-(-height // 2), -(-width // 2), 3), np.float32)
    weights = np.empty(colours.shape[:2], np.float32)
    for top in range(0, height, _BAND_ROWS):
        band = alpha[top : top + _BAND_ROWS]
        part = slice(top // 2, top // 2 + -(-len(band) // 2))
        three = cv2.merge((band, band, band))
        weighted = cv2.multiply(pixels[top : top + _BAND_ROWS], three, scale=1 / most_of(alpha), dtype=cv2.CV_32F)
        colours[part] = _halved(weighted)
        weights[part] = _halved(band.astype(np.float32)) / np.float32(most_of(alpha))
    return colours, weights


def _halved(band: Floats) -> Floats:
    """The mean of blocks of 2 x 2; the last row and column stand for two where their number is odd."""
    height, width = band.shape[:2]
    if height % 2 or width % 2:
        band = cv2.copyMakeBorder(band, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half: Floats = cv2.resize(band, (band.shape[1] // 2, band.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return half


def _filled(colours: Floats, weights: Floats) -> Floats:
    """Colours [h, w, 3] for every pixel of colours times weight, which are overwritten, and weights [h, w]."""
    below = None
    # A little weight is enough to name a colour; half-covered pixels must not draw on the far surroundings.
    missing = np.maximum(1 - 16 * weights, np.float32(0))
    if max(weights.shape) > 1 and missing.any():
        below = _twice(_filled(_halved(colours), _halved(weights)), *weights.shape)
    colours /= np.maximum(weights, np.float32(1e-12))[..., None]
    if below is not None:
        below -= colours
        below *= missing[..., None]
        colours += below
    return colours


def _twice(colours: Any, height: int, width: int) -> Any:
    """Twice as large, cut to `height` x `width`: linear interpolation."""
    size = 2 * colours.shape[1], 2 * colours.shape[0]
    return cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
