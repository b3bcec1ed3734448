"""How strongly a picture should be denoised around its restored faces."""

import io

import cv2
import numpy as np
import PIL.Image
import pytest
from skimage import data

from darkroom.faces.area import Pixels
from darkroom.faces.wear import LIGHT, STRONG, strength
from export.restorer import portrait

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def photo(name: str) -> Pixels:
    pixels: Pixels = getattr(data, name)()
    return pixels


def noisy(pixels: Pixels, sigma: float) -> Pixels:
    grainy = pixels + np.random.default_rng(1).normal(0, sigma, pixels.shape)
    return np.rint(np.clip(grainy, 0, 255)).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file).convert("RGB"))


def resized(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("name", PHOTOS)
def test_a_clean_photograph_is_left(name: str) -> None:
    pixels = photo(name)
    assert strength(pixels) == 0
    assert strength(pixels[64:360, 64:360]) == 0
    assert strength(jpeg(pixels, 90)) == 0
    assert strength(resized(pixels, 2)) == 0
    assert strength(resized(pixels, 0.5)) == 0


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_texture_is_no_noise(name: str) -> None:
    pixels = np.dstack([photo(name)] * 3)
    assert strength(pixels) == 0
    assert strength(jpeg(pixels, 85)) == 0


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("sigma", [6, 12, 25])
def test_plain_noise_is_measured(name: str, sigma: float) -> None:
    assert strength(noisy(photo(name), sigma)) == pytest.approx(sigma, rel=0.25)


@pytest.mark.parametrize("name", PHOTOS)
def test_noise_that_jpeg_has_hidden_is_found(name: str) -> None:
    assert STRONG * 0.8 < strength(portrait.worn(photo(name))) <= STRONG


def test_blocks_alone_are_smoothed_lightly() -> None:
    assert strength(jpeg(photo("astronaut"), 40)) == LIGHT


def test_blocks_are_found_wherever_a_crop_begins() -> None:
    pixels = jpeg(photo("astronaut"), 40)
    assert {strength(pixels[offset:, 2 * offset :]) for offset in range(4)} == {LIGHT}


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 300, 3), (40, 40, 3)])
def test_too_little_to_judge_is_left(shape: tuple[int, int, int]) -> None:
    assert strength(np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)) == 0


def test_a_flat_picture_is_left() -> None:
    assert strength(np.full((200, 200, 3), 128, np.uint8)) == 0
    assert strength(np.zeros((200, 200, 3), np.uint8)) == 0


def test_a_large_picture_is_sampled() -> None:
    pixels = noisy(np.full((2300, 2600, 3), 128, np.uint8), 8)
    assert strength(pixels) == pytest.approx(8, rel=0.15)


def test_what_alpha_hides_does_not_count() -> None:
    pixels = noisy(photo("astronaut"), 12)
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    pixels[:256], alpha[:256] = 128, 0
    assert strength(pixels) == 0
    assert strength(pixels, alpha) == pytest.approx(12, rel=0.25)
