"""Finished tiles to a picture, a band of rows at a time, from the top to the bottom.

Each row of tiles has a band, from where it takes over from the row above to where it hands over to the row below. It
is complete when all tiles of its row, and of the row above that fade into it, have been placed. Then it is written, in
order, and forgotten. Cross-fading is done in integers, so the picture does not depend on the order in which tiles come.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from darkroom.codec.image import Pixels, Samples
from darkroom.tiling import Axis, Grid, Span, Tile

Sums = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

ONE = 16
"""Weights are sixteenths per axis, so a product of two sums to 256, and fits 16 bits beside 8-bit pixels and 32 bits
beside 16-bit ones."""

Write = Callable[[int, Samples], None]
"""Takes a band: its first row, and its pixels [n, width * scale, channels]."""


class Canvas:
    """The picture that grows out of finished tiles. `place` may be called in any order and from any thread, once per
    tile; the thread that completes a band also writes it, so `write` is called by one thread at a time."""

    def __init__(
        self,
        grid: Grid,
        scale: int,
        write: Write,
        *,
        dtype: npt.DTypeLike = np.uint8,
        on_written: Callable[[], None] = lambda: None,
        room: Callable[[int, int], Samples] | None = None,
        channels: int = 3,
    ) -> None:
        """`scale`: output pixels per input pixel, along one side. `on_written`: called after each band, from the thread
        that wrote it. `room(begin, end)`: where the pixels of these rows go, [end - begin, width * scale, channels] of
        `dtype`; by default new arrays."""
        self._grid, self._scale, self._write = grid, scale, write
        self._dtype = np.dtype(dtype)
        self._sum_dtype = np.dtype(np.uint16 if self._dtype == np.uint8 else np.uint32)
        self._channels = channels
        self._room = room or self._new_rows
        self._on_written = on_written
        self._bands: dict[int, _Band] = {}
        self._lock = threading.Lock()
        self._writing = self._closed = False
        self.written = 0
        """Bands that have been written, and so the row of tiles whose band comes next."""

    @property
    def open_bands(self) -> int:
        """Bands that are held: begun and not yet written."""
        return len(self._bands)

    def place(self, tile: Tile, pixels: Samples) -> None:
        """Put one finished tile [h * scale, w * scale, channels] where it belongs, and write what is complete. Raises
        what `write` raises."""
        with self._lock:
            if self._closed:
                return
            self._place(tile, pixels)
            if self._writing or not self._is_next_complete():
                return
            self._writing = True
        self._write_complete()

    def close(self) -> None:
        """Write no more; tiles that still come are dropped."""
        with self._lock:
            self._closed = True
            self._bands.clear()

    def _place(self, tile: Tile, pixels: Samples) -> None:
        below = tile.row + 1 < len(self._grid.rows)
        bands = [self._band(tile.row), *([self._band(tile.row + 1)] if below else [])]
        for rows in self._zones(tile.rows, self._grid.rows):
            band = bands[-1] if rows.fade is not None and not rows.rising else bands[0]
            for columns in self._zones(tile.columns, self._grid.columns):
                band.add(pixels[rows.source, columns.source], rows, columns)
        for band in bands:
            band.missing -= 1

    def _band(self, row: int) -> "_Band":
        if row not in self._bands:
            self._bands[row] = self._new_band(row)
        return self._bands[row]

    def _new_band(self, row: int) -> "_Band":
        axis, span = self._grid.rows, self._grid.rows.span(row)
        begin = self._target(span.fade_in, axis).start if row else 0
        end = self._target(span.fade_out, axis).start if row + 1 < len(axis) else axis.length * self._scale
        fade = _length(self._target(span.fade_in, axis)) if row else 0
        tiles = len(self._grid.columns) * (2 if row else 1)
        return _Band(begin, fade, self._room(begin, end), self._sum_dtype, tiles)

    def _new_rows(self, begin: int, end: int) -> Samples:
        rows: Samples = np.empty((end - begin, self._grid.columns.length * self._scale, self._channels), self._dtype)
        return rows

    def _is_next_complete(self) -> bool:
        band = self._bands.get(self.written)
        return band is not None and not band.missing

    def _write_complete(self) -> None:
        """Write the next bands as long as they are complete. What fails here fails for good: no later band may follow
        one that was not written."""
        while True:
            with self._lock:
                if self._closed or not self._is_next_complete():
                    self._writing = False
                    return
                band = self._bands[self.written]
            pixels = band.finish()
            if len(pixels):
                self._write(band.begin, pixels)
            with self._lock:
                self._bands.pop(self.written, None)
                self.written += 1
            self._on_written()

    def _target(self, zone: tuple[int, int], axis: Axis) -> slice:
        begin, end = axis.inside(zone)
        return slice(begin * self._scale, end * self._scale)

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


class _Band:
    """Rows of the picture from `begin` on, of which the first `fade` rows are cross-faded with the band above."""

    def __init__(self, begin: int, fade: int, pixels: Samples, sums: "np.dtype[Any]", missing: int) -> None:
        self.begin = begin
        self.missing = missing
        """Tiles that still have to be placed here."""
        self._pixels = pixels
        _, width, channels = pixels.shape
        # where rows and columns both fade, this holds the sum
        self._row_sums: Sums = np.zeros((fade, width, channels), sums)
        self._halves: dict[int, Sums] = {}
        """Cross-fades between columns of tiles that the first of two neighbours has come for."""

    def add(self, part: Samples, rows: "_Zone", columns: "_Zone") -> None:
        """Part of one tile."""
        dtype = self._row_sums.dtype
        if rows.fade is not None:
            weights = (rows.weights(dtype)[:, None] * columns.weights(dtype)[None, :])[:, :, None]
            self._row_sums[:, columns.target] += part * weights
            return
        target = slice(rows.target.start - self.begin, rows.target.stop - self.begin)
        if columns.fade is None:
            self._pixels[target, columns.target] = part
            return
        half = part * (columns.weights(dtype)[None, :, None] * dtype.type(ONE))
        other = self._halves.pop(columns.fade, None)
        if other is None:
            self._halves[columns.fade] = half
        else:
            half += other
            self._pixels[target, columns.target] = _rounded(half)

    def finish(self) -> Samples:
        """The band with its cross-fades."""
        self._pixels[: len(self._row_sums)] = _rounded(self._row_sums)
        return self._pixels


@dataclass(frozen=True)
class _Zone:
    source: slice
    target: slice
    fade: int | None
    rising: bool

    def weights(self, dtype: "np.dtype[Any]") -> Sums:
        length = _length(self.target)
        if self.fade is None:
            return np.full(length, ONE, dtype)
        ramp: Sums = np.round((np.arange(length) + 0.5) / length * ONE).astype(dtype)
        return ramp if self.rising else np.subtract(dtype.type(ONE), ramp)


class WholeCanvas:
    """A canvas that keeps its picture, of 8 bits."""

    def __init__(self, grid: Grid, scale: int, channels: int = 3) -> None:
        height, width = grid.rows.length * scale, grid.columns.length * scale
        self.pixels: Pixels = np.empty((height, width, channels), np.uint8)  # its pages come when they are written to
        self._canvas = Canvas(grid, scale, lambda row, rows: None, room=self._rows, channels=channels)
        self.place = self._canvas.place

    def _rows(self, begin: int, end: int) -> Samples:
        return self.pixels[begin:end]


def _rounded(sums: Sums) -> Sums:
    half, shift = sums.dtype.type(ONE * ONE // 2), sums.dtype.type(8)
    rounded: Sums = (sums + half) >> shift
    return rounded


def _length(part: slice) -> int:
    return int(part.stop - part.start)
