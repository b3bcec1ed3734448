import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.faces import pyramid
from darkroom.faces.area import AreaSampler
from export.architectures.mtcnn import PNet

SIDES = (64, 128)


def test_levels_reach_from_the_smallest_face_to_the_whole_picture() -> None:
    found = pyramid.levels(480, 640, min_face=24)
    assert found[0].scale == 0.5
    assert found[-1].scale * 480 >= pyramid.CELL > found[-1].scale * 480 * pyramid.FACTOR
    assert all(b.scale == pytest.approx(a.scale * 0.709) for a, b in itertools.pairwise(found))


def test_a_picture_smaller_than_a_face_has_no_levels() -> None:
    assert pyramid.levels(39, 500, min_face=40) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 700), st.integers(12, 700), st.integers(12, 80))
def test_tiles_answer_for_every_cell_once_and_are_counted_beforehand(height: int, width: int, min_face: int) -> None:
    picture = AreaSampler(np.zeros((height, width, 3), np.uint8))
    for level in pyramid.levels(height, width, min_face):
        covered = np.zeros(level.cells, int)
        side, count = pyramid.plan(level, SIDES)
        tiles = list(pyramid.tiles(picture, level, SIDES))
        assert len(tiles) == count
        for tile in tiles:
            assert tile.pixels.shape == (side, side, 3)
            covered[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns] += 1
        assert np.all(covered == 1)


@pytest.mark.parametrize("size", [(300, 200), (301, 203), (70, 61)])
def test_the_tiles_answers_are_the_whole_levels_answer(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = PNet().eval()
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    picture = AreaSampler(pixels)
    level = pyramid.levels(*size, min_face=20)[0]
    with torch.inference_mode():
        whole = network(torch.from_numpy(picture.resize(level.height, level.width)[None]))[0][0].numpy()
        assert whole.shape == level.cells
        for tile in pyramid.tiles(picture, level, (64,)):
            answer = network(torch.from_numpy(tile.pixels[None]))[0][0].numpy()
            part = whole[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns]
            difference = np.abs(answer[: tile.rows, : tile.columns] - part)
            # Of an odd side's last cell, half saw the repeated edge where the whole level simply ends.
            rows = level.cells[0] - level.height % 2 - tile.row
            columns = level.cells[1] - level.width % 2 - tile.column
            assert difference[:rows, :columns].max() < 1e-5
            assert difference.max() < 0.02
