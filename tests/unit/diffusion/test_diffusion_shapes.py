import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.diffusion.shapes import buckets, fit

SIDES = st.integers(1, 20_000)


def test_buckets_of_512() -> None:
    assert buckets(512, 64) == ((512, 512), (448, 576), (576, 448), (384, 640), (640, 384))


@pytest.mark.parametrize("size", [256, 512, 768, 1024])
def test_buckets_hold_about_as_many_pixels(size: int) -> None:
    for height, width in buckets(size, 64):
        assert height % 64 == width % 64 == 0
        assert 0.7 < height * width / size**2 < 1.1


@given(SIDES, SIDES)
def test_a_picture_touches_two_sides_of_its_bucket_and_keeps_its_aspect(height: int, width: int) -> None:
    place = fit(height, width, 512, 64)
    assert (place.height, place.width) in buckets(512, 64)
    assert place.rows == place.height or place.columns == place.width
    assert 1 <= place.rows <= place.height
    assert 1 <= place.columns <= place.width
    factor = min(place.height / height, place.width / width)
    assert abs(place.rows - max(1, height * factor)) <= 0.5
    assert abs(place.columns - max(1, width * factor)) <= 0.5


def test_common_photos_get_the_bucket_of_their_format() -> None:
    assert fit(1500, 2000, 512, 64).height == 448
    assert fit(2000, 1500, 512, 64).width == 448
    assert fit(1080, 1920, 512, 64).height == 384
    assert fit(300, 310, 512, 64).height == 512


def test_a_picture_of_the_bucket_s_size_is_not_touched() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    place = fit(128, 128, 128, 64)
    assert place == place.whole()
    assert np.array_equal(place.place(pixels), pixels)
    assert np.array_equal(place.crop(pixels), pixels)


@pytest.mark.parametrize(("height", "width"), [(150, 200), (30, 1000), (1000, 30), (7, 7), (1, 400)])
def test_the_rest_of_the_bucket_is_the_picture_mirrored(height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    place = fit(height, width, 128, 32)
    placed = place.place(pixels)
    assert placed.shape == (place.height, place.width, 3)
    picture = place.crop(placed)
    assert picture.shape == (place.rows, place.columns, 3)
    below, beside = placed[place.rows : 2 * place.rows], placed[:, place.columns : 2 * place.columns]
    assert np.array_equal(below[:, : place.columns], picture[::-1][: len(below)])
    assert np.array_equal(beside[: place.rows], picture[:, ::-1][:, : beside.shape[1]])
