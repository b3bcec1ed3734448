"""The estimate of noise: the median of all details, at most that of the smoothest blocks, in bands as in whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.noise import NoiseEstimate, estimate_sigma
from demo.degrade import add_noise
from demo.graphics import GRAPHICS, graphic
from demo.photos import PHOTOS, Photo, photo


def by_the_book(pixels: np.ndarray) -> float:
    """Of a whole picture of 8 bits, with every detail at hand."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if height < 2 or width < 2:
        return 0.0
    detail, mean = details_and_means(pixels[:height, :width])
    sigmas = []
    for channel in range(3):
        usable = detail[..., channel][(mean[..., channel] > 16) & (mean[..., channel] < 239)]
        sigmas.append(np.median(usable if usable.size >= 64 else detail[..., channel]) / 0.6745)
    blocks = [blocks_by_the_book(pixels[..., channel]) for channel in range(3)]
    if any(blocks):
        return min(float(np.mean(sigmas)), float(np.mean([smoothest_by_the_book(each) for each in blocks])), 75.0)
    return min(float(np.mean(sigmas)), 75.0)


def details_and_means(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    even = pixels.astype(np.float64)
    a, b, c, d = even[0::2, 0::2], even[0::2, 1::2], even[1::2, 0::2], even[1::2, 1::2]
    return np.abs(a - b - c + d) / 2, (a + b + c + d) / 4


def blocks_by_the_book(plane: np.ndarray) -> list[tuple[bool, float]]:
    """Whether a block is usable, and its noise, for blocks that are not constant."""
    found = []
    for top in range(0, plane.shape[0] - 15, 16):
        for left in range(0, plane.shape[1] - 15, 16):
            block = plane[top : top + 16, left : left + 16]
            if (block == block[0, 0]).all():
                continue
            detail, mean = details_and_means(block)
            ends = float(((block == 0) | (block == 255)).mean())
            share = min(ends, 0.5)
            noise = 0.0 if ends > 0.75 else float(np.median(detail)) / 0.6745 / (1 - 0.8 * share - 0.3 * share**2)
            found.append((int(((mean > 16) & (mean < 239)).sum()) >= 58, round(min(noise, 75.0) * 64) / 64))
    return found


def smoothest_by_the_book(blocks: list[tuple[bool, float]]) -> float:
    usable = [noise for is_usable, noise in blocks if is_usable]
    chosen = sorted(usable if 20 * len(usable) >= len(blocks) else [noise for _, noise in blocks])
    return chosen[int(np.ceil(0.2 * len(chosen))) - 1] / 0.882 if chosen else 0.0


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.floats(0, 60),
    st.floats(-20, 270),
    st.lists(st.integers(1, 9), min_size=70, max_size=70),
)
def test_bands_give_the_estimate_of_the_whole(
    height: int, width: int, noise: float, level: float, bands: list[int]
) -> None:
    draw = np.random.default_rng(0)
    pixels = np.clip(np.round(level + draw.normal(0, noise, (height, width, 3))), 0, 255).astype(np.uint8)
    estimate, first = NoiseEstimate(), 0
    for rows in bands:
        estimate.add(pixels[first : first + rows])
        first += rows
    assert estimate.sigma == estimate_sigma(pixels) == pytest.approx(by_the_book(pixels), rel=1e-12)


@pytest.mark.parametrize("sigma", [0, 3, 25])
def test_sixteen_bits_are_measured_in_grey_levels_of_eight(sigma: float) -> None:
    draw = np.random.default_rng(1)
    wide = np.clip(np.round(257 * (120 + draw.normal(0, sigma, (256, 256, 3)))), 0, 65535).astype(np.uint16)
    assert estimate_sigma(wide) == pytest.approx(sigma, rel=0.05, abs=0.05)


@pytest.mark.parametrize("name", ["screen", "lines-white", "china"])
@pytest.mark.parametrize("rows", [1, 7, 16, 33, 100])
def test_bands_of_pictures_give_the_estimate_of_the_whole(name: str, rows: int) -> None:
    pixels = add_noise((photo(name) if name == "china" else graphic(name)).pixels[:203, :299], 10, 1)
    estimate = NoiseEstimate()
    for first in range(0, len(pixels), rows):
        estimate.add(pixels[first : first + rows])
    assert estimate.sigma == estimate_sigma(pixels)


@pytest.mark.parametrize("name", [each.name for each in GRAPHICS if each.is_drawn])
def test_clean_graphics_have_no_noise(name: str) -> None:
    pixels = graphic(name).pixels
    assert estimate_sigma(pixels) < 2
    assert estimate_sigma(pixels.astype(np.uint16) * 257) < 2


@pytest.mark.parametrize("sigma", [10, 25])
@pytest.mark.parametrize("name", [each.name for each in GRAPHICS if each.is_drawn])
def test_noise_in_graphics_is_found(name: str, sigma: float) -> None:
    assert estimate_sigma(add_noise(graphic(name).pixels, sigma, 3)) == pytest.approx(sigma, rel=0.3)


@pytest.mark.parametrize("sigma", [25, 50])
@pytest.mark.parametrize("each", PHOTOS, ids=lambda each: each.name)
def test_noise_in_photographs_is_found(each: Photo, sigma: float) -> None:
    # texture adds to weak noise, and clipping takes from strong noise
    assert estimate_sigma(add_noise(each.pixels, sigma, each.seed)) == pytest.approx(sigma, rel=0.11)


@pytest.mark.parametrize("sigma", [5, 10, 15])
@pytest.mark.parametrize("each", PHOTOS, ids=lambda each: each.name)
def test_texture_adds_little_to_weak_noise(each: Photo, sigma: float) -> None:
    assert sigma <= estimate_sigma(add_noise(each.pixels, sigma, each.seed)) <= sigma + 2.6


@pytest.mark.parametrize("grey", [0, 255])
def test_bars_around_a_noisy_picture_do_not_count(grey: int) -> None:
    noisy = add_noise(photo("coffee").pixels, 25, 2)
    barred = np.pad(noisy, ((160, 160), (0, 0), (0, 0)), constant_values=grey)
    assert estimate_sigma(barred) == pytest.approx(estimate_sigma(noisy), rel=0.02)


def test_grey_bars_do_not_hide_the_noise() -> None:
    noisy = add_noise(photo("coffee").pixels, 25, 2)
    assert estimate_sigma(np.pad(noisy, ((64, 64), (0, 0), (0, 0)), constant_values=128)) > 15


@pytest.mark.parametrize("sigma", [5, 10, 25])
def test_noise_of_a_dark_picture_is_found(sigma: float) -> None:
    assert estimate_sigma(add_noise(photo("coffee").pixels // 10, sigma, 2)) == pytest.approx(sigma, rel=0.1)


def test_noise_of_scanned_paper_is_that_of_the_paper() -> None:
    page = (30 + graphic("text-16").pixels * (215 / 255)).astype(np.uint8)
    assert estimate_sigma(add_noise(page, 4, 1)) == pytest.approx(4, rel=0.15)


def test_a_dithered_picture_has_no_noise() -> None:
    dithered = np.asarray(Image.fromarray(photo("coffee").pixels).convert("1")) * np.uint8(255)
    assert estimate_sigma(np.repeat(dithered[..., None], 3, axis=2)) == 0.0


@pytest.mark.parametrize("side", [2, 8, 15])
def test_pictures_without_a_block_have_an_estimate(side: int) -> None:
    draw = np.random.default_rng(side)
    found = [
        estimate_sigma(np.clip(np.rint(120 + draw.normal(0, 20, (side, side, 3))), 0, 255).astype(np.uint8))
        for _ in range(40)
    ]
    assert np.mean(found) == pytest.approx(20, rel=0.25)
