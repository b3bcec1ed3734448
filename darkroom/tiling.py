"""Pictures to tiles of a few fixed shapes, and tiles back to a picture without a seam.

Along each axis the picture, with a mirrored margin, is covered by spans of allowed sizes that overlap by at least
2 * halo + blend pixels. At every overlap the outer `halo` pixels of both neighbours are thrown away (a network sees
too little context there) and the `blend` pixels in the middle are cross-faded. Cross-fading is done in integers, so
the picture does not depend on the order in which tiles come back.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.config import TilingConfig

Pixels = npt.NDArray[np.uint8]
Ramp = npt.NDArray[np.uint16]

ONE = 16
"""Weights are sixteenths per axis, so a product of two sums to 256 and fits uint16 beside 8-bit pixels."""


@dataclass(frozen=True)
class Span:
    """One tile's extent along one axis, in pixels of the padded picture."""

    start: int
    size: int
    fade_in: tuple[int, int]
    """Where it takes over from the span before: [begin, end) of the cross-fade; empty at the picture's edge."""
    fade_out: tuple[int, int]
    """Where it hands over to the span after."""


@dataclass(frozen=True)
class Axis:
    """The cover of one axis: `length` picture pixels behind `before` mirrored ones, `padded` in all."""

    length: int
    before: int
    padded: int
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Tile:
    """One unit of a picture: its index in the grid and its spans."""

    index: int
    rows: Span
    columns: Span


@lru_cache(maxsize=4096)
def plan_axis(length: int, sizes: tuple[int, ...], halo: int, blend: int, margin: int) -> Axis:
    """Cover `length` pixels and a mirrored `margin` on both sides with the fewest pixels computed.

    `sizes` are the allowed span sizes; each must be larger than the overlap 2 * halo + blend (ValueError).
    """
    overlap = 2 * halo + blend
    if min(sizes) <= overlap:
        raise ValueError(f"tile sizes must be larger than the overlap of {overlap} pixels, got {min(sizes)}")
    need = length + 2 * margin
    chosen = _cheapest_cover(need, tuple(sorted(sizes)), overlap)
    spare = sum(chosen) - overlap * (len(chosen) - 1) - need
    starts = _starts(chosen, overlap, spare)
    padded = max(need, starts[-1] + chosen[-1])
    before = margin + (padded - need) // 2
    spans = []
    for i, (start, size) in enumerate(zip(starts, chosen, strict=True)):
        fade_in = _fade(start, starts[i - 1] + chosen[i - 1], blend) if i else (start, start)
        end = start + size
        fade_out = _fade(starts[i + 1], end, blend) if i + 1 < len(chosen) else (end, end)
        spans.append(Span(start, size, fade_in, fade_out))
    return Axis(length, before, padded, tuple(spans))


def _cheapest_cover(need: int, sizes: tuple[int, ...], overlap: int) -> tuple[int, ...]:
    """Span sizes, largest first, that cover `need` with the smallest sum; fewer spans break a tie."""
    largest = sizes[-1]
    best: tuple[int, int, tuple[int, ...]] | None = None
    # more of a smaller size than fit into the largest never pays
    counts = [range(largest // size + 2) for size in sizes[:-1]]
    for smaller in product(*counts):
        covered = sum(count * (size - overlap) for count, size in zip(smaller, sizes, strict=False))
        left = need - overlap - covered
        large = max(0, -(-left // (largest - overlap)))
        cover = (largest,) * large + tuple(
            size for count, size in reversed(list(zip(smaller, sizes, strict=False))) for _ in range(count)
        )
        if not cover:
            continue
        candidate = (sum(cover), len(cover), cover)
        if best is None or candidate < best:
            best = candidate
    assert best is not None
    return best[2]


def _starts(chosen: tuple[int, ...], overlap: int, spare: int) -> list[int]:
    """Where each span starts when the spare pixels widen the overlaps evenly (a single span keeps them as padding)."""
    starts = [0]
    gaps = len(chosen) - 1
    for i, size in enumerate(chosen[:-1]):
        room = min(chosen[i], chosen[i + 1]) // 2 - overlap
        widen = min((spare * (i + 1)) // gaps - (spare * i) // gaps, max(0, room))
        starts.append(starts[-1] + size - overlap - widen)
    return starts


def _fade(begin: int, end: int, blend: int) -> tuple[int, int]:
    middle = (begin + end - blend) // 2
    return (middle, middle + blend)


class Grid:
    """The tiles of one picture of `height` x `width` pixels, cut as `config` says."""

    def __init__(self, height: int, width: int, config: TilingConfig) -> None:
        rest = (config.halo, config.blend, config.margin)
        self.rows = plan_axis(height, config.heights, *rest)
        self.columns = plan_axis(width, config.widths, *rest)
        pairs = product(self.rows.spans, self.columns.spans)
        self.tiles = tuple(Tile(i, rows, columns) for i, (rows, columns) in enumerate(pairs))

    def shapes(self) -> dict[tuple[int, int], int]:
        """Tiles per (height, width): what the picture costs."""
        counts: dict[tuple[int, int], int] = {}
        for tile in self.tiles:
            shape = (tile.rows.size, tile.columns.size)
            counts[shape] = counts.get(shape, 0) + 1
        return counts

    def cut(self, pixels: Pixels) -> Iterator[Pixels]:
        """Each tile's pixels, uint8 [h, w, 3], in the order of `tiles`; outside the picture it is mirrored."""
        for tile in self.tiles:
            yield _mirrored(pixels, tile, self.rows, self.columns)


def _mirrored(pixels: Pixels, tile: Tile, rows: Axis, columns: Axis) -> Pixels:
    top, left = tile.rows.start - rows.before, tile.columns.start - columns.before
    bottom, right = top + tile.rows.size, left + tile.columns.size
    if top >= 0 and left >= 0 and bottom <= rows.length and right <= columns.length:
        return np.ascontiguousarray(pixels[top:bottom, left:right])
    inside = pixels[max(0, top) : bottom, max(0, left) : right]
    above, below = max(0, -top), max(0, bottom - rows.length)
    before, after = max(0, -left), max(0, right - columns.length)
    if max(above, below) <= inside.shape[0] and max(before, after) <= inside.shape[1]:
        # fifty times as fast as the general way, and other threads work meanwhile
        return np.asarray(cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REFLECT), np.uint8)
    y = _mirror(np.arange(top, bottom), rows.length)
    x = _mirror(np.arange(left, right), columns.length)
    mirrored: Pixels = pixels[y[:, None], x[None, :]]
    return mirrored


def _mirror(index: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Mirror at the outer edge of the edge pixels (numpy's "symmetric"), as often as it takes. Networks restore the
    border better so than with "reflect", which leaves the edge pixels without a twin (x4: 1 dB in the outer 8)."""
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


class Canvas:
    """The picture that grows out of finished tiles. `place` may be called in any order, once per tile."""

    def __init__(self, grid: Grid, scale: int, channels: int = 3) -> None:
        """`scale`: output pixels per input pixel, along one side."""
        self._grid = grid
        self._scale = scale
        height, width = grid.rows.length * scale, grid.columns.length * scale
        self.pixels: Pixels = np.empty((height, width, channels), np.uint8)
        # one strip of sums per cross-fade: rows first, since where both fade the row strip holds the sum
        self._row_fades = {
            span.fade_in[0]: np.zeros((_length(self._target(span.fade_in, grid.rows)), width, channels), np.uint16)
            for span in grid.rows.spans[1:]
        }
        self._column_fades = {
            span.fade_in[0]: np.zeros((height, _length(self._target(span.fade_in, grid.columns)), channels), np.uint16)
            for span in grid.columns.spans[1:]
        }
        self._lock = threading.Lock()

    def place(self, tile: Tile, pixels: Pixels) -> None:
        """Put one finished tile, uint8 [h * scale, w * scale, c], where it belongs."""
        with self._lock:
            self._place(tile, pixels)

    def _place(self, tile: Tile, pixels: Pixels) -> None:
        for rows in self._zones(tile.rows, self._grid.rows):
            for columns in self._zones(tile.columns, self._grid.columns):
                part = pixels[rows.source, columns.source]
                if rows.fade is not None:
                    weights = (rows.weights(ONE)[:, None] * columns.weights(ONE)[None, :])[:, :, None]
                    self._row_fades[rows.fade][:, columns.target] += part * weights
                elif columns.fade is not None:
                    weights = columns.weights(ONE)[None, :, None] * np.uint16(ONE)
                    self._column_fades[columns.fade][rows.target] += part * weights
                else:
                    self.pixels[rows.target, columns.target] = part

    def finish(self) -> Pixels:
        """Write the cross-fades into the picture and return it: uint8 [height * scale, width * scale, c]."""
        half, shift = np.uint16(ONE * ONE // 2), np.uint16(8)
        for span in self._grid.columns.spans[1:]:
            target = self._target(span.fade_in, self._grid.columns)
            self.pixels[:, target] = (self._column_fades[span.fade_in[0]] + half) >> shift
        for span in self._grid.rows.spans[1:]:
            target = self._target(span.fade_in, self._grid.rows)
            self.pixels[target] = (self._row_fades[span.fade_in[0]] + half) >> shift
        return self.pixels

    def _target(self, zone: tuple[int, int], axis: Axis) -> slice:
        begin, end = (min(max(edge - axis.before, 0), axis.length) * self._scale for edge in zone)
        return slice(begin, end)

    def _zones(self, span: Span, axis: Axis) -> "Iterator[_Zone]":
        parts = (
            (span.fade_in, span.fade_in[0], True),
            ((span.fade_in[1], span.fade_out[0]), None, True),
            (span.fade_out, span.fade_out[0], False),
        )
        for zone, fade, rising in parts:
            target = self._target(zone, axis)
            if not _length(target):
                continue
            offset = (axis.before - span.start) * self._scale
            source = slice(target.start + offset, target.stop + offset)
            yield _Zone(source, target, fade, rising)


@dataclass(frozen=True)
class _Zone:
    source: slice
    target: slice
    fade: int | None
    rising: bool

    def weights(self, one: int) -> Ramp:
        length = _length(self.target)
        if self.fade is None:
            return np.full(length, one, np.uint16)
        ramp: Ramp = np.round((np.arange(length) + 0.5) / length * one).astype(np.uint16)
        return ramp if self.rising else np.subtract(np.uint16(one), ramp)


def _length(part: slice) -> int:
    return int(part.stop - part.start)
