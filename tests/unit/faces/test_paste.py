import itertools

import numpy as np
import pytest

from darkroom.faces import alignment
from darkroom.faces.paste import mask, order, paste
from darkroom.faces.warp import sample

SIDE = 256


def place(angle: float, width: float, centre: tuple[float, float]) -> np.ndarray:
    """Picture -> crop for a face whose crop is `width` pixels wide in the picture."""
    scale = SIDE / width
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    linear = np.array([[c, -s], [s, c]])
    return np.column_stack([linear, (SIDE / 2, SIDE / 2) - linear @ np.array(centre)])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_the_mask_is_soft_and_zero_at_the_borders() -> None:
    found = mask(512)
    assert found[256, 256] == 1
    for edge in (found[0], found[-1], found[:, 0], found[:, -1]):
        assert np.all(edge == 0)
    assert np.abs(np.diff(found, axis=0)).max() < 0.06
    np.testing.assert_array_equal(found, found[:, ::-1])


@pytest.mark.parametrize("angle", [0, 20, -45])
@pytest.mark.parametrize("centre", [(150, 110), (3, 5), (299, 219), (-30, 100)])
@pytest.mark.parametrize("width", [40, 170, 700])
def test_nothing_changes_outside_the_mask(angle: float, centre: tuple[float, float], width: float) -> None:
    before = noise(220, 300)
    after = before.copy()
    matrix = place(angle, width, centre)
    paste(after, noise(SIDE, SIDE, 1), matrix, 1.0)
    share = sample(mask(SIDE), alignment.invert(matrix), 220, 300)
    np.testing.assert_array_equal(after[share == 0], before[share == 0])
    assert np.any(after != before) == np.any(share > 0)


def test_a_face_in_the_corner_is_pasted_as_it_would_be_inside() -> None:
    wave = 127 + 100 * np.sin(np.arange(SIDE) / 20)
    restored = np.rint(np.stack([np.add.outer(wave, wave[::-1]) / 2] * 3, axis=-1)).astype(np.uint8)
    small, large = noise(120, 120), np.zeros((300, 300, 3), np.uint8)
    large[90:210, 90:210] = small
    paste(small, restored, place(15, 100, (10, 12)), 1.0)
    paste(large, restored, place(15, 100, (100, 102)), 1.0)
    # The sampler places its grid to 1/32 of a pixel, counted from the corner of what it fills.
    assert np.abs(small.astype(int) - large[90:210, 90:210]).max() <= 2


@pytest.mark.parametrize("angle", [0, 30, -45])
def test_a_flat_face_on_the_same_flat_wall_leaves_no_trace(angle: float) -> None:
    wall = np.full((200, 200, 3), 140, np.uint8)
    paste(wall, np.full((SIDE, SIDE, 3), 140, np.uint8), place(angle, 120, (90, 100)), 1.0)
    assert np.all(wall == 140)


def test_the_border_fades_without_a_step() -> None:
    wall = np.full((300, 300, 3), 100, np.uint8)
    paste(wall, np.full((SIDE, SIDE, 3), 160, np.uint8), place(30, 220, (150, 150)), 1.0)
    steps = np.abs(np.diff(wall[..., 0].astype(int), axis=1)).max()
    assert wall[150, 150, 0] == 160
    assert steps <= 8


def test_opacity_zero_leaves_the_picture_alone() -> None:
    before = noise(100, 100)
    after = before.copy()
    paste(after, noise(SIDE, SIDE, 1), place(0, 80, (50, 50)), 0.0)
    np.testing.assert_array_equal(after, before)


def test_half_opacity_is_half_way() -> None:
    wall = np.full((100, 100, 3), 100, np.uint8)
    paste(wall, np.full((SIDE, SIDE, 3), 200, np.uint8), place(0, 80, (50, 50)), 0.5)
    assert np.all(wall[50, 50] == 150)


def test_a_face_wholly_outside_changes_nothing() -> None:
    before = noise(60, 60)
    after = before.copy()
    paste(after, noise(SIDE, SIDE, 1), place(10, 50, (200, -90)), 1.0)
    np.testing.assert_array_equal(after, before)


def test_a_face_as_large_as_several_strips_has_no_seams() -> None:
    wall = np.full((900, 700, 3), 50, np.uint8)
    ramp = np.repeat(np.linspace(0, 255, SIDE).astype(np.uint8)[:, None, None], SIDE, axis=1).repeat(3, axis=2)
    paste(wall, ramp, place(0, 860, (350, 450)), 1.0)
    column = wall[150:750, 350, 0].astype(int)
    assert np.diff(column).min() >= 0
    assert np.diff(column).max() <= 2


def test_overlapping_faces_are_pasted_small_before_large() -> None:
    assert order([30.0, 10.0, 20.0, 10.0]) == [1, 3, 2, 0]


def test_a_hundred_overlapping_faces_give_the_same_picture_every_time() -> None:
    dice = np.random.default_rng(3)
    faces = [(dice.uniform(-45, 45), dice.uniform(30, 90), tuple(dice.uniform(0, 300, 2))) for _ in range(100)]
    results = []
    for _ in range(2):
        picture = noise(300, 300)
        for index in order([width**2 for _, width, _ in faces]):
            paste(picture, noise(SIDE, SIDE, index), place(*faces[index]), 0.9)
        results.append(picture)
    for one, other in itertools.pairwise(results):
        np.testing.assert_array_equal(one, other)
