"""What lies under full transparency never reaches visible pixels: visible colours are spread there."""

import numpy as np
import pytest
from codec_files import LIMITS, saved

from darkroom.codec import decode
from darkroom.codec.spread import spread


def disc(size: int = 96) -> np.ndarray:
    """Alpha uint8 of an antialiased ring."""
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    distance = np.hypot(x, y)
    edge = np.minimum(distance - size / 6, size / 2.5 - distance)
    return np.clip(128 + 128 * edge, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("under", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
def test_a_logo_has_one_colour_everywhere(under: tuple[int, int, int], name: str) -> None:
    alpha = disc()
    pixels = np.empty((96, 96, 3), np.uint8)
    pixels[:] = (255, 140, 0)
    pixels[alpha == 0] = under
    options = {"lossless": True, "exact": True} if name == "WEBP" else {}
    image = decode(saved(np.dstack((pixels, alpha)), name, **options), LIMITS)
    np.testing.assert_array_equal(image.alpha, alpha)
    assert (image.pixels == (255, 140, 0)).all()


def test_colours_come_from_the_nearest_visible_pixels() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, :200], pixels[:, 200:] = (200, 30, 10), (10, 40, 220)
    alpha = np.zeros((300, 400), np.uint8)
    alpha[100:200, 50:150] = alpha[100:200, 250:350] = 255
    pixels[alpha == 0] = 0
    spread(pixels, alpha)
    assert np.abs(pixels[98:202, 45:155].astype(int) - (200, 30, 10)).max() <= 25
    assert np.abs(pixels[98:202, 245:355].astype(int) - (10, 40, 220)).max() <= 25
    assert pixels[:, :, 1].min() >= 30
    assert np.abs(np.diff(pixels[150].astype(int), axis=0)).max() <= 12


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_partly_transparent_pixels_keep_their_colours(dtype: type) -> None:
    random = np.random.default_rng(1)
    most = np.iinfo(dtype).max
    pixels = random.integers(0, most + 1, (61, 83, 3), dtype)
    alpha = random.integers(0, 4, (61, 83)).astype(dtype)
    before = pixels.copy()
    spread(pixels, alpha)
    np.testing.assert_array_equal(pixels[alpha > 0], before[alpha > 0])
    assert (pixels[alpha == 0] != before[alpha == 0]).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (257, 3), (513, 2), (256, 300)])
def test_one_visible_pixel_colours_everything(shape: tuple[int, int]) -> None:
    pixels, alpha = np.zeros((*shape, 3), np.uint16), np.zeros(shape, np.uint16)
    pixels[-1, -1], alpha[-1, -1] = (60_000, 5, 700), 65_535
    spread(pixels, alpha)
    assert np.abs(pixels.astype(int) - (60_000, 5, 700)).max() <= 1


def test_nothing_visible_and_nothing_hidden() -> None:
    pixels = np.full((40, 50, 3), 9, np.uint8)
    spread(pixels, np.full((40, 50), 1, np.uint8))
    assert (pixels == 9).all()
    spread(pixels, np.zeros((40, 50), np.uint8))
    assert (pixels == 0).all()
    empty = decode(saved(np.zeros((5, 7, 4), np.uint8), "PNG"), LIMITS)
    assert empty.pixels.shape == (5, 7, 3)


def test_spreading_is_deterministic() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (700, 333, 3), np.uint8)
    alpha = np.where(np.random.default_rng(3).random((700, 333)) < 0.3, 255, 0).astype(np.uint8)
    results = []
    for _ in range(3):
        copy = pixels.copy()
        spread(copy, alpha)
        results.append(copy.tobytes())
    assert len(set(results)) == 1
