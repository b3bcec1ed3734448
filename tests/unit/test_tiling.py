"""Tiling: an identity network must give the picture back, in any order of tiles, and neighbours must fade."""

import random

import numpy as np
import pytest

from darkroom.canvas import WholeCanvas
from darkroom.config import TilingConfig
from darkroom.tiling import Grid, plan_axis

CONFIG = TilingConfig(heights=(96, 256), widths=(96, 160, 256), halo=12, blend=8, margin=12)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), np.uint8)


def nearest(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (2, 5), (96, 96), (97, 128), (255, 256), (300, 517), (640, 33), (700, 701)]
)
def test_identity_gives_the_picture_back(size: tuple[int, int], scale: int) -> None:
    image = picture(*size)
    grid = Grid(*size, CONFIG)
    canvas = WholeCanvas(grid, scale)
    tiles = list(zip(grid.tiles, grid.cut(image), strict=True))
    random.Random(0).shuffle(tiles)
    for tile, pixels in tiles:
        assert pixels.shape == (tile.rows.size, tile.columns.size, 3)
        canvas.place(tile, nearest(pixels, scale))
    assert np.array_equal(canvas.pixels, nearest(image, scale))


@pytest.mark.parametrize("length", [*range(1, 700, 13), 2000, 16_000])
def test_cover_keeps_its_promises(length: int) -> None:
    axis = plan_axis(length, (96, 160, 256), halo=12, blend=8, margin=12)
    assert axis.before >= 12
    assert axis.padded - axis.before - length >= 12
    for left, right in zip(axis.spans, axis.spans[1:], strict=False):
        assert left.start + left.size - right.start >= 32
        begin, end = right.fade_in
        assert left.fade_out == right.fade_in
        assert begin - right.start >= 12
        assert left.start + left.size - end >= 12
        assert left.fade_in[1] <= left.fade_out[0]


def test_neighbours_fade_into_each_other() -> None:
    grid = Grid(100, 400, CONFIG)
    canvas = WholeCanvas(grid, 1)
    for tile in grid.tiles:
        value = 100 if tile.columns.start == 0 else 180
        canvas.place(tile, np.full((tile.rows.size, tile.columns.size, 3), value, np.uint8))
    row = canvas.pixels[50, :, 0].astype(int)
    steps = np.diff(row)
    assert row[0] == 100
    assert row[-1] == 180
    assert (steps >= 0).all()
    assert steps.max() <= 80 / 8 + 5


def test_one_colour_stays_one_colour_through_every_fade() -> None:
    grid = Grid(900, 900, CONFIG)
    canvas = WholeCanvas(grid, 2)
    for tile in grid.tiles:
        canvas.place(tile, np.full((tile.rows.size * 2, tile.columns.size * 2, 3), 255, np.uint8))
    assert (canvas.pixels == 255).all()


def test_few_pixels_are_computed_in_vain() -> None:
    sizes = [(s, int(s * a)) for s in range(96, 1500, 60) for a in (1.0, 1.33)]
    computed = sum(h * w * n for size in sizes for (h, w), n in Grid(*size, CONFIG).shapes().items())
    assert computed / sum(h * w for h, w in sizes) < 1.45


def test_tiles_smaller_than_their_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="larger than the overlap of 32"):
        plan_axis(100, (32, 64), halo=12, blend=8, margin=0)
