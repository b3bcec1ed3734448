"""Rows as an encoder wants them: bands of equal height, however the rows arrive, so that no second picture is held."""

from collections.abc import Iterator

import numpy as np

from darkroom.codec.depth import as_depth
from darkroom.codec.image import Depth, Pixels, Samples

BAND_ROWS = 64
"""Rows converted at a time: those of an 8000-pixel-wide picture are 1.5 MB and stay in the processor's cache."""


class Bands:
    """Gathers the rows of one picture into bands of `rows` rows (the last one has the rest).

    The bands do not depend on how many rows each call brings, and so neither do the bytes of the file."""

    def __init__(
        self, width: int, height: int, *, rows: int, grey: bool, alpha: bool, bits: Depth = 8, over_white: bool = False
    ) -> None:
        """`grey`: one channel of light, else three. `alpha`: the picture has alpha, which becomes one more channel,
        or with `over_white` (8 bits only) is used up by laying the picture over a white page."""
        channels = (1 if grey else 3) + (alpha and not over_white)
        self.size = width, height
        self.channels = channels
        self._bits: Depth = bits
        self._grey, self._alpha, self._over_white = grey, alpha, over_white
        self._left = height
        self._filled = 0
        shape = min(rows, height), width, channels
        self._band: Samples = np.empty(shape, np.uint8) if bits == 8 else np.empty(shape, np.uint16)

    def add(self, pixels: Samples, alpha: Samples | None) -> Iterator[Samples]:
        """The bands [rows, width, channels] that these rows complete; each is valid until the next one is taken.
        ValueError for more rows than the picture has, or without the alpha that was announced."""
        if len(pixels) > self._left or self._alpha != (alpha is not None):
            raise ValueError(f"{len(pixels)} rows, alpha {alpha is not None}: {self._left} are left of {self.size}")
        as_stored = alpha is None and not self._grey and pixels.dtype == self._band.dtype
        top = 0
        while top < len(pixels):
            whole = min(len(self._band), self._left)
            if as_stored and not self._filled and len(pixels) - top >= whole:
                self._left -= whole
                yield np.ascontiguousarray(pixels[top : top + whole])
                top += whole
                continue
            rows = min(BAND_ROWS, len(self._band) - self._filled, len(pixels) - top)
            part, filled = slice(top, top + rows), self._filled + rows
            self._fill(self._band[self._filled : filled], pixels[part], None if alpha is None else alpha[part])
            self._left -= rows
            self._filled = filled % len(self._band) if self._left else 0
            if self._filled == 0:
                yield self._band[:filled]
            top += rows

    def check_complete(self) -> None:
        """ValueError while rows are missing."""
        if self._left:
            raise ValueError(f"{self._left} rows of {self.size} were not written")

    def _fill(self, target: Samples, pixels: Samples, alpha: Samples | None) -> None:
        pixels = as_depth(pixels, self._bits)
        light = luma(pixels)[..., None] if self._grey else pixels
        if alpha is None:
            target[...] = light
            return
        alpha = as_depth(alpha, self._bits)[..., None]
        if self._over_white:
            target[...] = over_white(light, alpha)
        else:
            np.concatenate((light, alpha), axis=2, out=target)


def luma(band: Samples) -> Samples:
    """Rec. 601 luma of RGB [h, w, 3], rounded; exact where the channels are equal. [h, w] of the same depth."""
    weighted = band[..., 0].astype(np.uint32) * 19595
    weighted += band[..., 1].astype(np.uint32) * 38470
    weighted += band[..., 2].astype(np.uint32) * 7471
    weighted += 32768
    weighted >>= 16
    return weighted.astype(np.uint8) if band.dtype == np.uint8 else weighted.astype(np.uint16)


def over_white(light: Samples, alpha: Samples) -> Pixels:
    """uint8 [h, w, c] with alpha [h, w, 1], laid over a white page."""
    opacity = alpha.astype(np.uint16)
    page: Pixels = ((light * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    return page
