"""Bands of a picture that grows out of tiles: the pixels of the whole, each row once and in order, few of them held."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.canvas import ONE, Canvas
from darkroom.config import TilingConfig
from darkroom.pipelines.tiled import Guarded
from darkroom.tiling import Axis, Grid, Span

DTYPES = (np.uint8, np.uint16)


@st.composite
def tilings(draw: st.DrawFn) -> TilingConfig:
    halo, blend = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    size = st.integers(2 * halo + 2 * blend + 1, 90)
    sizes = st.lists(size, min_size=1, max_size=2, unique=True)
    margin = draw(st.integers(0, 14))
    return TilingConfig(heights=draw(sizes), widths=draw(sizes), halo=halo, blend=blend, margin=margin)


sides = st.integers(1, 230)


class Bands:
    """Takes what a canvas writes."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []

    def __call__(self, first: int, pixels: np.ndarray) -> None:
        assert first == sum(len(part) for part in self.parts), "out of order"
        assert len(pixels)
        self.parts.append(pixels.copy())

    @property
    def picture(self) -> np.ndarray:
        return np.concatenate(self.parts)


def outputs_of(grid: Grid, scale: int, dtype: Any, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    shapes = [(tile.rows.size * scale, tile.columns.size * scale, 3) for tile in grid.tiles]
    return [draw.integers(0, top, shape, dtype, endpoint=True) for shape in shapes]


def weights(span: Span, axis: Axis, scale: int) -> np.ndarray:
    """Of one span at every output row (or column) of the picture, in sixteenths."""
    result = np.zeros(axis.length * scale, np.int64)
    begin, end = (edge * scale for edge in axis.inside((span.fade_in[1], span.fade_out[0])))
    result[begin:end] = ONE
    for zone, rising in ((span.fade_in, True), (span.fade_out, False)):
        begin, end = (edge * scale for edge in axis.inside(zone))
        ramp = np.round((np.arange(end - begin) + 0.5) / max(1, end - begin) * ONE)
        result[begin:end] = ramp if rising else ONE - ramp
    return result


def blended(grid: Grid, scale: int, outputs: list[np.ndarray]) -> np.ndarray:
    """The whole picture as the sum of its tiles, by their weights."""
    height, width = grid.rows.length * scale, grid.columns.length * scale
    total = np.zeros((height, width, 3), np.int64)
    for tile, output in zip(grid.tiles, outputs, strict=True):
        rows, columns = weights(tile.rows, grid.rows, scale), weights(tile.columns, grid.columns, scale)
        y, x = rows.nonzero()[0], columns.nonzero()[0]
        if len(y) and len(x):
            top, left = (
                (axis.before - span.start) * scale
                for axis, span in ((grid.rows, tile.rows), (grid.columns, tile.columns))
            )
            part = output[y[0] + top : y[-1] + 1 + top, x[0] + left : x[-1] + 1 + left].astype(np.int64)
            weight = rows[y[0] : y[-1] + 1, None, None] * columns[None, x[0] : x[-1] + 1, None]
            total[y[0] : y[-1] + 1, x[0] : x[-1] + 1] += weight * part
    return (total + ONE * ONE // 2) // (ONE * ONE)


@settings(max_examples=150, deadline=None)
@given(tilings(), sides, sides, st.sampled_from([1, 2, 4]), st.sampled_from(DTYPES), st.randoms(use_true_random=False))
def test_bands_hold_the_sum_of_the_tiles_whatever_order_they_come_in(
    tiling: TilingConfig, height: int, width: int, scale: int, dtype: Any, draw: random.Random
) -> None:
    grid, bands = Grid(height, width, tiling), Bands()
    outputs = outputs_of(grid, scale, dtype)
    canvas = Canvas(grid, scale, bands, dtype=dtype)
    order = list(range(len(grid)))
    draw.shuffle(order)
    for index in order:
        canvas.place(grid.tile(index), outputs[index])
    assert canvas.written == len(grid.rows)
    assert canvas.open_bands == 0
    assert bands.picture.dtype == dtype
    assert np.array_equal(bands.picture, blended(grid, scale, outputs))


@settings(max_examples=100, deadline=None)
@given(tilings(), sides, sides)
def test_tiles_are_cut_from_the_rows_that_they_need(tiling: TilingConfig, height: int, width: int) -> None:
    picture = np.random.default_rng(0).integers(0, 65536, (height, width, 3), np.uint16)
    grid, least = Grid(height, width, tiling), 0
    for tile in grid.tiles:
        begin, end = grid.rows.needs(tile.row)
        assert least <= begin < end <= height, "rows that were forgotten are needed again"
        least = begin
        whole = grid.cut_tile(tile, picture)
        assert whole.shape == (tile.rows.size, tile.columns.size, 3)
        assert np.array_equal(grid.cut_tile(tile, picture[begin:end], begin), whole)


@settings(max_examples=100, deadline=None)
@given(tilings(), sides, sides)
def test_every_guarded_pixel_counts_once(tiling: TilingConfig, height: int, width: int) -> None:
    mask = np.random.default_rng(1).integers(0, 3, (height, width, 3), np.uint8)
    grid = Grid(height, width, tiling)
    guarded = Guarded(grid)
    for tile, cut in zip(grid.tiles, grid.cut(mask), strict=True):
        guarded.count(tile, (cut, cut[..., 0]))
    assert guarded.reported
    assert guarded.pixels == np.count_nonzero(mask[..., 0])


def test_a_network_without_a_guard_reports_none() -> None:
    grid = Grid(10, 10, TilingConfig())
    guarded = Guarded(grid)
    guarded.count(grid.tile(0), (np.zeros((10, 10, 3), np.uint8),))
    assert not guarded.reported


TILING = TilingConfig(heights=(32,), widths=(32,), halo=4, blend=4, margin=4)


def test_few_bands_are_held_when_tiles_come_row_by_row() -> None:
    grid, bands = Grid(2000, 90, TILING), Bands()
    canvas = Canvas(grid, 1, bands)
    most = 0
    for tile, output in zip(grid.tiles, outputs_of(grid, 1, np.uint8), strict=True):
        canvas.place(tile, output)
        most = max(most, canvas.open_bands)
    assert len(grid.rows) > 80
    assert most == 2
    assert len(bands.picture) == 2000


def test_one_thread_at_a_time_writes() -> None:
    grid, bands = Grid(600, 200, TILING), Bands()
    busy = threading.Lock()

    def write(first: int, pixels: np.ndarray) -> None:
        assert busy.acquire(blocking=False), "two at once"
        bands(first, pixels)
        busy.release()

    canvas, outputs = Canvas(grid, 1, write), outputs_of(grid, 1, np.uint8)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda tile: canvas.place(tile, outputs[tile.index]), grid.tiles))
    assert np.array_equal(bands.picture, blended(grid, 1, outputs))


def test_nothing_follows_a_band_that_could_not_be_written() -> None:
    grid, written = Grid(300, 40, TILING), []

    def write(first: int, pixels: np.ndarray) -> None:
        if first:
            raise OSError("no room")
        written.append(first)

    canvas, failures = Canvas(grid, 1, write), 0
    for tile, output in zip(grid.tiles, outputs_of(grid, 1, np.uint8), strict=True):
        try:
            canvas.place(tile, output)
        except OSError:
            failures += 1
    assert (written, failures) == ([0], 1)


def test_a_closed_canvas_drops_what_still_comes() -> None:
    grid, bands = Grid(300, 40, TILING), Bands()
    canvas, outputs = Canvas(grid, 1, bands), outputs_of(grid, 1, np.uint8)
    for tile in grid.tiles[:8]:
        canvas.place(tile, outputs[tile.index])
    before = len(bands.parts)
    canvas.close()
    for tile in grid.tiles[8:]:
        canvas.place(tile, outputs[tile.index])
    assert before
    assert len(bands.parts) == before
    assert canvas.open_bands == 0


@pytest.mark.parametrize("size", [(720, 16_889), (50, 20_000), (2160, 3840), (10_000, 10_000), (1, 99_999_999)])
def test_the_cost_of_a_large_picture_is_its_tiles(size: tuple[int, int]) -> None:
    tiling = TilingConfig(heights=(168, 272), widths=(112, 168, 272), halo=16, blend=4, margin=8)
    grid = Grid(*size, tiling)
    assert sum(grid.shapes().values()) == len(grid)
    last = grid.tile(len(grid) - 1)
    assert last.rows.start + last.rows.size == grid.rows.padded
    assert last.columns.start + last.columns.size == grid.columns.padded
