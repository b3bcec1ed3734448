"""How noisy is a picture? A blind estimate of white Gaussian noise, from one pass over its rows."""

import numpy as np
import numpy.typing as npt

from darkroom.codec.image import Samples
from darkroom.noise_blocks import BLOCK, BlockNoise
from darkroom.tiling import joined

STRONGEST = 75.0
"""Grey levels; what the denoiser was trained for."""

_DARK, _BRIGHT = 16, 239
"""Outside this range, in grey levels of 255, clipping has cut the noise short."""
_AT_ONCE = 2**18
"""Pixels whose details are held at once."""
_ENOUGH = 64
"""Values of a channel within that range without which all are taken."""


class NoiseEstimate:
    """Standard deviation of the noise in an RGB picture that comes a band of rows at a time.

    The diagonal detail of a Haar wavelet transform holds the noise at full strength and little of the picture, and
    its median absolute deviation ignores what edges are there (Donoho and Johnstone, "Ideal spatial adaptation by
    wavelet shrinkage", 1994: sigma = MAD / 0.6745). Clipped areas are left out, since a black sky is not noiseless.
    Details of whole numbers are whole numbers, so counting how often each comes gives the exact median.

    That alone takes texture for noise, and in text on white it sees little but edges. White noise is in every block of
    a picture, so the noise of the smoothest blocks (`BlockNoise`) is the upper limit.
    """

    def __init__(self) -> None:
        self._levels = 1
        """Values of a sample in one grey level of 255."""
        self._counts: npt.NDArray[np.int64] | None = None
        """[3, 2, details]: by channel, by whether it is clipped, by detail."""
        self._blocks = BlockNoise(STRONGEST)
        self._rest: Samples | None = None
        """Fewer rows than a block has, whose lower neighbours have not come."""

    def add(self, pixels: Samples) -> None:
        """The next rows, uint8 or uint16 [n, w, 3]."""
        if self._rest is not None:
            pixels = joined([self._rest, pixels])
        height, width = pixels.shape[0] // BLOCK * BLOCK, pixels.shape[1] // 2 * 2
        self._rest = pixels[height:].copy() if len(pixels) > height else None
        if not width:
            return
        if self._counts is None:
            self._levels = 1 if pixels.dtype == np.uint8 else 257
            self._counts = np.zeros((3, 2, 2 * 255 * self._levels + 1), np.int64)
        step = max(BLOCK, _AT_ONCE // width // BLOCK * BLOCK)
        for first in range(0, height, step):
            rows = pixels[first : min(first + step, height), :width]
            self._blocks.add(rows, *self._count(rows, self._counts))

    def _count(
        self, pixels: Samples, counts: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Rows and columns of even numbers -> their details, and which of them are clipped: [h / 2, w / 2, 3]."""
        even = pixels.astype(np.int32)
        a, b = even[0::2, 0::2], even[0::2, 1::2]
        c, d = even[1::2, 0::2], even[1::2, 1::2]
        detail, total = np.abs(a - b - c + d), a + b + c + d
        clipped = (total <= 4 * _DARK * self._levels) | (total >= 4 * _BRIGHT * self._levels)
        details = counts.shape[2]
        place = detail + details * clipped
        for channel in range(3):
            came = np.bincount(place[..., channel].ravel(), minlength=2 * details)
            counts[channel] += came.reshape(2, details)
        return detail, clipped

    @property
    def sigma(self) -> float:
        """In grey levels of 255, 0 to 75."""
        if self._counts is None:
            return 0.0
        counts = self._counts
        if self._rest is not None and len(self._rest) > 1:
            counts = counts.copy()
            height, width = self._rest.shape[0] // 2 * 2, self._rest.shape[1] // 2 * 2
            self._count(self._rest[:height, :width], counts)
        if not counts.any():
            return 0.0
        sigmas = [
            _median(usable if usable.sum() >= _ENOUGH else usable + clipped) / 2 / self._levels / 0.6745
            for usable, clipped in counts
        ]
        return min(float(np.mean(sigmas)), self._blocks.sigma)


def estimate_sigma(pixels: Samples) -> float:
    """`NoiseEstimate` of a whole picture, uint8 or uint16 [h, w, 3]: in grey levels of 255, 0 to 75."""
    estimate = NoiseEstimate()
    estimate.add(pixels)
    return estimate.sigma


def _median(counts: npt.NDArray[np.int64]) -> float:
    """Of whole numbers from 0, of which each has come `counts` times."""
    below = np.cumsum(counts)
    total = int(below[-1])
    low, high = np.searchsorted(below, ((total - 1) // 2, total // 2), side="right")
    return (int(low) + int(high)) / 2
