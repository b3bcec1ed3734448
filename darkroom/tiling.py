"""Pictures to tiles of a few fixed shapes; `darkroom.canvas` puts them back together.

Along each axis the picture, with a mirrored margin, is covered by spans of allowed sizes that overlap by at least
2 * halo + blend pixels. At every overlap the outer `halo` pixels of both neighbours are thrown away (a network sees
too little context there) and the `blend` pixels in the middle are cross-faded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.codec.image import Pixels, Samples
from darkroom.config import TilingConfig

__all__ = ["Axis", "Grid", "Pixels", "Samples", "Span", "Tile", "plan_axis"]

Cover = tuple[tuple[int, int], ...]
"""Span sizes and how many of each, largest first."""
REMEMBERED = 8192
"""Spans of an axis up to which its plan is remembered; one of a hundred million pixels would hold megabytes."""


@dataclass(frozen=True)
class Span:
    """One tile's extent along one axis, in pixels of the padded picture."""

    start: int
    size: int
    fade_in: tuple[int, int]
    """Where it takes over from the span before: [begin, end) of the cross-fade; empty at the picture's edge."""
    fade_out: tuple[int, int]
    """Where it hands over to the span after."""


class Axis:
    """The cover of one axis: `length` picture pixels behind `before` mirrored ones, `padded` in all."""

    def __init__(self, length: int, cover: Cover, halo: int, blend: int, margin: int) -> None:
        need, overlap = length + 2 * margin, 2 * halo + blend
        sizes = np.repeat([size for size, _ in cover], [count for _, count in cover])
        spare = int(sizes.sum()) - overlap * (len(sizes) - 1) - need
        self._sizes, self._starts, self._blend = sizes, _starts(sizes, overlap, spare), blend
        self.length = length
        self.padded = max(need, int(self._starts[-1] + sizes[-1]))
        self.before = margin + (self.padded - need) // 2

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def after(self) -> int:
        """Mirrored pixels behind the picture."""
        return self.padded - self.before - self.length

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans, first to last."""
        return tuple(self.span(i) for i in range(len(self)))

    def span(self, i: int) -> Span:
        """The i-th span, from 0."""
        start, size = int(self._starts[i]), int(self._sizes[i])
        end = start + size
        fade_in = _fade(start, int(self._starts[i - 1] + self._sizes[i - 1]), self._blend) if i else (start, start)
        fade_out = _fade(int(self._starts[i + 1]), end, self._blend) if i + 1 < len(self) else (end, end)
        return Span(start, size, fade_in, fade_out)

    def needs(self, i: int) -> tuple[int, int]:
        """Picture pixels [begin, end) that the i-th span and those after it may still be cut from, mirrored ones
        included, as far as the i-th needs them."""
        top = int(self._starts[i]) - self.before
        bottom = top + int(self._sizes[i])
        return max(0, min(top, self.length - self.after)), min(self.length, max(bottom, self.before))

    def inside(self, zone: tuple[int, int]) -> tuple[int, int]:
        """What of `zone`, in padded pixels, lies in the picture: [begin, end) in picture pixels, perhaps empty."""
        begin, end = (min(max(edge - self.before, 0), self.length) for edge in zone)
        return begin, end

    def own(self, span: Span) -> tuple[int, int]:
        """The picture pixels that are counted for this span: every pixel is some span's, and none is two spans'."""
        return self.inside((span.fade_in[0], span.fade_out[0]))


@dataclass(frozen=True)
class Tile:
    """One unit of a picture: its index in the grid, and its place."""

    index: int
    row: int
    """Of the grid, from 0."""
    rows: Span
    columns: Span


def plan_axis(length: int, sizes: tuple[int, ...], halo: int, blend: int, margin: int) -> Axis:
    """Cover `length` pixels and a mirrored `margin` on both sides with the fewest pixels computed.

    `sizes` are the allowed span sizes; each must be larger than the overlap 2 * halo + blend (ValueError).
    """
    if length <= REMEMBERED * (min(sizes) - 2 * halo - blend):
        return _remembered_axis(length, sizes, halo, blend, margin)
    return Axis(length, plan_cover(length, sizes, halo, blend, margin), halo, blend, margin)


@lru_cache(maxsize=1024)
def _remembered_axis(length: int, sizes: tuple[int, ...], halo: int, blend: int, margin: int) -> Axis:
    return Axis(length, plan_cover(length, sizes, halo, blend, margin), halo, blend, margin)


@lru_cache(maxsize=4096)
def plan_cover(length: int, sizes: tuple[int, ...], halo: int, blend: int, margin: int) -> Cover:
    """The spans that `plan_axis` covers an axis with. Takes no longer for a long one."""
    overlap = 2 * halo + blend
    if min(sizes) <= overlap:
        raise ValueError(f"tile sizes must be larger than the overlap of {overlap} pixels, got {min(sizes)}")
    return _cheapest_cover(length + 2 * margin, tuple(sorted(sizes)), overlap)


def _cheapest_cover(need: int, sizes: tuple[int, ...], overlap: int) -> Cover:
    """Spans that cover `need` with the smallest sum; fewer spans break a tie."""
    largest = sizes[-1]
    best: tuple[int, int, Cover] | None = None
    # more of a smaller size than fit into the largest never pays
    counts = [range(largest // size + 2) for size in sizes[:-1]]
    for smaller in product(*counts):
        covered = sum(count * (size - overlap) for count, size in zip(smaller, sizes, strict=False))
        left = need - overlap - covered
        large = max(0, -(-left // (largest - overlap)))
        runs = ((largest, large), *((size, count) for count, size in reversed([*zip(smaller, sizes, strict=False)])))
        cover = tuple((size, count) for size, count in runs if count) or ((largest, 1),)
        candidate = (sum(size * count for size, count in cover), sum(count for _, count in cover), cover)
        if best is None or candidate < best:
            best = candidate
    assert best is not None
    return best[2]


def _starts(sizes: npt.NDArray[np.int64], overlap: int, spare: int) -> npt.NDArray[np.int64]:
    """Where each span starts when the spare pixels widen the overlaps evenly (a single span keeps them as padding)."""
    gaps = len(sizes) - 1
    room = np.minimum(sizes[:-1], sizes[1:]) // 2 - overlap
    evenly = np.diff(spare * np.arange(gaps + 1) // max(1, gaps))
    steps = sizes[:-1] - overlap - np.minimum(evenly, np.maximum(0, room))
    return np.concatenate(([0], np.cumsum(steps)))


def _fade(begin: int, end: int, blend: int) -> tuple[int, int]:
    middle = (begin + end - blend) // 2
    return (middle, middle + blend)


class Grid:
    """The tiles of one picture of `height` x `width` pixels, cut as `config` says; row by row, from the top left."""

    def __init__(self, height: int, width: int, config: TilingConfig) -> None:
        """Raises ValueError for tiles that are not larger than their overlap."""
        self.height, self.width = height, width
        rest = (config.halo, config.blend, config.margin)
        self._row_plan = (height, config.heights, *rest)
        self._column_plan = (width, config.widths, *rest)
        self._row_cover, self._column_cover = plan_cover(*self._row_plan), plan_cover(*self._column_plan)

    @cached_property
    def rows(self) -> Axis:
        return plan_axis(*self._row_plan)

    @cached_property
    def columns(self) -> Axis:
        return plan_axis(*self._column_plan)

    def __len__(self) -> int:
        rows, columns = self.counts
        return rows * columns

    @property
    def counts(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        rows, columns = (sum(count for _, count in cover) for cover in (self._row_cover, self._column_cover))
        return rows, columns

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles; of a large picture better one at a time (`tile`)."""
        return tuple(self.tile(index) for index in range(len(self)))

    def tile(self, index: int) -> Tile:
        row, column = divmod(index, len(self.columns))
        return Tile(index, row, self.rows.span(row), self.columns.span(column))

    def shapes(self) -> dict[tuple[int, int], int]:
        """Tiles per (height, width): what the picture costs. Takes no longer for a large one."""
        pairs = product(self._row_cover, self._column_cover)
        return {(height, width): rows * columns for (height, rows), (width, columns) in pairs}

    def cut(self, pixels: Pixels) -> Iterator[Pixels]:
        """Each tile's pixels, uint8 [h, w, 3], in the order of the tiles; outside the picture it is mirrored."""
        for index in range(len(self)):
            yield cast(Pixels, self.cut_tile(self.tile(index), pixels))

    def cut_tile(self, tile: Tile, pixels: Samples, first: int = 0) -> Samples:
        """One tile's pixels [h, w, 3]. `pixels`: the picture from row `first` on, down to the end of
        `rows.needs(tile.row)` at least."""
        return _mirrored(pixels, first, tile, self.rows, self.columns)


def _mirrored(pixels: Samples, first: int, tile: Tile, rows: Axis, columns: Axis) -> Samples:
    top, left = tile.rows.start - rows.before, tile.columns.start - columns.before
    bottom, right = top + tile.rows.size, left + tile.columns.size
    if top >= 0 and left >= 0 and bottom <= rows.length and right <= columns.length:
        return np.ascontiguousarray(pixels[top - first : bottom - first, left:right])
    lowest = max(first, min(bottom, rows.length))  # a tile may lie beside the picture altogether
    inside = pixels[max(0, top) - first : lowest - first, max(0, left) : max(0, right)]
    above, below = max(0, -top), max(0, bottom - rows.length)
    before, after = max(0, -left), max(0, right - columns.length)
    if max(above, below) <= inside.shape[0] and max(before, after) <= inside.shape[1]:
        # fifty times as fast as the general way, and other threads work meanwhile
        return cast(Samples, cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REFLECT))
    y = _mirror(np.arange(top, bottom), rows.length)
    x = _mirror(np.arange(left, right), columns.length)
    mirrored: Samples = pixels[y[:, None] - first, x[None, :]]
    return mirrored


def _mirror(index: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Mirror at the outer edge of the edge pixels (numpy's "symmetric"), as often as it takes. Networks restore the
    border better so than with "reflect", which leaves the edge pixels without a twin (x4: 1 dB in the outer 8)."""
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def joined(parts: Sequence[Samples]) -> Samples:
    """Rows of one picture in one array, which is not copied where there is only one part."""
    return parts[0] if len(parts) == 1 else cast(Samples, np.concatenate(parts))
