"""The estimate of noise: the median of all details, whatever bands the picture comes in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.noise import NoiseEstimate, estimate_sigma


def by_the_book(pixels: np.ndarray) -> float:
    """Of a whole picture of 8 bits, with every detail at hand."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if height < 2 or width < 2:
        return 0.0
    even = pixels[:height, :width].astype(np.float64)
    a, b, c, d = even[0::2, 0::2], even[0::2, 1::2], even[1::2, 0::2], even[1::2, 1::2]
    detail, mean = np.abs(a - b - c + d) / 2, (a + b + c + d) / 4
    sigmas = []
    for channel in range(3):
        usable = detail[..., channel][(mean[..., channel] > 16) & (mean[..., channel] < 239)]
        sigmas.append(np.median(usable if usable.size >= 64 else detail[..., channel]) / 0.6745)
    return min(float(np.mean(sigmas)), 75.0)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.floats(0, 60),
    st.floats(-20, 270),
    st.lists(st.integers(1, 9), min_size=70, max_size=70),
)
def test_bands_give_the_median_of_the_whole(
    height: int, width: int, noise: float, level: float, bands: list[int]
) -> None:
    draw = np.random.default_rng(0)
    pixels = np.clip(np.round(level + draw.normal(0, noise, (height, width, 3))), 0, 255).astype(np.uint8)
    estimate, first = NoiseEstimate(), 0
    for rows in bands:
        estimate.add(pixels[first : first + rows])
        first += rows
    assert estimate.sigma == estimate_sigma(pixels) == by_the_book(pixels)


@pytest.mark.parametrize("sigma", [0, 3, 25])
def test_sixteen_bits_are_measured_in_grey_levels_of_eight(sigma: float) -> None:
    draw = np.random.default_rng(1)
    wide = np.clip(np.round(257 * (120 + draw.normal(0, sigma, (256, 256, 3)))), 0, 65535).astype(np.uint16)
    assert estimate_sigma(wide) == pytest.approx(sigma, rel=0.05, abs=0.05)
