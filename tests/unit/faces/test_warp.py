import numpy as np
import pytest

from darkroom.faces import alignment
from darkroom.faces.warp import sample, warp


def turn(angle: float, scale: float, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def waves(height: int, width: int) -> np.ndarray:
    """A smooth picture known at every point; periods of 40 pixels and more."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.rint(np.stack([wave(x, y, phase) for phase in (0, 1, 2)], axis=-1)).astype(np.uint8)


def wave(x: np.ndarray, y: np.ndarray, phase: float) -> np.ndarray:
    return 127 + 60 * np.sin(x / 7 + phase) + 60 * np.cos(y / 9)


def test_the_identity_changes_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    np.testing.assert_array_equal(warp(picture, turn(0, 1), 50, 40), picture)


@pytest.mark.parametrize("angle", [0, 17, -45])
@pytest.mark.parametrize("scale", [0.7, 1.0, 2.6])
def test_a_smooth_picture_is_sampled_where_it_should_be(angle: float, scale: float) -> None:
    matrix = turn(angle, scale, (40, 30))
    found = warp(waves(300, 300), matrix, 120, 120)
    y, x = np.mgrid[:120, :120] + 0.5
    back = alignment.invert(matrix)
    at_x = back[0, 0] * x + back[0, 1] * y + back[0, 2]
    at_y = back[1, 0] * x + back[1, 1] * y + back[1, 2]
    inside = (at_x > 5) & (at_x < 295) & (at_y > 5) & (at_y < 295)
    error = np.abs(found[..., 0] - wave(at_x, at_y, 0))[inside]
    # Averaging the area of a coarser pixel flattens the waves a little; a shift of half a pixel would be 4 levels.
    assert error.mean() < 1.0
    assert error.max() < 4


@pytest.mark.parametrize("scale", [0.5, 0.31, 0.13, 0.04])
def test_shrinking_averages_instead_of_aliasing(scale: float) -> None:
    board = np.zeros((600, 600, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    found = warp(board, turn(20, scale, (60 * scale, -20 * scale)), 20, 20).astype(int)
    assert np.abs(found - 127.5).max() < 45
    assert abs(found.mean() - 127.5) < 2


def test_what_lies_beyond_the_border_is_mirrored() -> None:
    row = np.arange(0, 250, 5, dtype=np.uint8)
    picture = np.repeat(np.tile(row, (50, 1))[:, :, None], 3, axis=2)
    found = warp(picture, turn(0, 1, (120, 0)), 50, 170)[25, :, 0]
    np.testing.assert_array_equal(found[120:], row)
    # 120 pixels of border on 50 of picture: mirrored more than twice.
    np.testing.assert_array_equal(found[120 - 49 : 120], row[:0:-1])
    np.testing.assert_array_equal(found[120 - 98 : 120 - 49], row[:49])


def test_there_and_back_is_the_same_place() -> None:
    picture = waves(200, 200)
    matrix = alignment.to_crop(alignment.template(90) + np.array([50, 60]), 256)
    crop = warp(picture, matrix, 256, 256)
    back = warp(crop, alignment.invert(matrix), 200, 200)
    assert np.abs(back[70:130, 60:120].astype(int) - picture[70:130, 60:120]).max() <= 3


def test_a_sampled_mask_stays_in_range_and_is_zero_outside() -> None:
    mask = np.zeros((64, 64), np.float32)
    mask[16:48, 16:48] = 1
    found = sample(mask, turn(33, 1.7, (80, 10)), 200, 200)
    assert found.min() == 0
    assert found.max() == 1
    assert np.all(found[:, :20] == 0)


def test_a_one_pixel_picture_fills_everything() -> None:
    picture = np.array([[[10, 20, 30]]], np.uint8)
    assert np.all(warp(picture, turn(10, 3, (5, 5)), 40, 40) == (10, 20, 30))
