"""How noisy is a picture? A blind estimate of white Gaussian noise."""

import numpy as np
import numpy.typing as npt

STRONGEST = 75.0
"""Grey levels; what the denoiser was trained for."""

_DARK, _BRIGHT = 16, 239
"""Outside this range 8-bit clipping has cut the noise short."""


def estimate_sigma(pixels: npt.NDArray[np.uint8]) -> float:
    """Standard deviation of the noise in an RGB picture, uint8 [h, w, 3]; in grey levels, 0 to 75.

    The diagonal detail of a Haar wavelet transform holds the noise at full strength and little of the picture, and
    its median absolute deviation ignores what edges are there (Donoho and Johnstone, "Ideal spatial adaptation by
    wavelet shrinkage", 1994: sigma = MAD / 0.6745). Clipped areas are left out, since a black sky is not noiseless.
    """
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if height < 2 or width < 2:
        return 0.0
    even = pixels[:height, :width].astype(np.float32)
    a, b = even[0::2, 0::2], even[0::2, 1::2]
    c, d = even[1::2, 0::2], even[1::2, 1::2]
    detail = np.abs(a - b - c + d) / 2
    mean = (a + b + c + d) / 4
    sigmas = []
    for channel in range(3):
        usable = detail[..., channel][(mean[..., channel] > _DARK) & (mean[..., channel] < _BRIGHT)]
        if usable.size < 64:
            usable = detail[..., channel].ravel()
        sigmas.append(float(np.median(usable)) / 0.6745)
    return min(float(np.mean(sigmas)), STRONGEST)
