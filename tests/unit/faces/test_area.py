import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.faces.area import AreaSampler


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def torch_area(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    planes = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(torch.float64)
    resized = torch.nn.functional.interpolate(planes, size=(height, width), mode="area")
    return resized[0].permute(1, 2, 0).numpy()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.integers(1, 50))
def test_resize_is_the_area_resize_of_torch(height: int, width: int, to_height: int, to_width: int) -> None:
    pixels = picture(height, width)
    found = AreaSampler(pixels).resize(to_height, to_width)
    np.testing.assert_allclose(found, torch_area(pixels, to_height, to_width), atol=1e-4)


def test_a_crop_is_resized_as_if_cut_out() -> None:
    pixels = picture(50, 60)
    found = AreaSampler(pixels).crop(7, 11, 40, 49, 24, 24)
    np.testing.assert_allclose(found, torch_area(pixels[11:49, 7:40], 24, 24), atol=1e-4)


def test_sums_beyond_32_bits_wrap_without_harm() -> None:
    # 4200 * 4200 * 255 = 4.5e9, more than 2**32.
    white = np.full((4200, 4200, 3), 255, np.uint8)
    assert np.all(AreaSampler(white).crop(4000, 4000, 4200, 4200, 3, 3) == 255)


@pytest.mark.parametrize("box", [(-7, -3, 15, 19), (20, 5, 47, 33), (-9, 10, 60, 20), (31, 5, 40, 9), (-20, 0, 0, 9)])
def test_beyond_the_picture_its_edge_pixels_are_repeated(box: tuple[int, int, int, int]) -> None:
    pixels = picture(20, 30)
    left, top, right, bottom = box
    padded = np.pad(pixels, ((40, 40), (40, 40), (0, 0)), mode="edge")[40 + top : 40 + bottom, 40 + left : 40 + right]
    np.testing.assert_allclose(AreaSampler(pixels).crop(*box, 7, 5), torch_area(padded, 7, 5), atol=1e-4)


@pytest.mark.parametrize("box", [(5, 0, 5, 5), (0, 6, 5, 4)])
def test_an_empty_crop_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        AreaSampler(picture(10, 10)).crop(*box, 4, 4)
