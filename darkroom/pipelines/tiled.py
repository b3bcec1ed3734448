"""One network over a whole picture, tile by tile: the common step of super-resolution and denoising.

Rows are read as tiles need them, and written as soon as all tiles that they are made of have come back; what is held in
between depends on the width of the picture and not on its height.
"""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from darkroom.bands import Target
from darkroom.canvas import Canvas, Write
from darkroom.codec import Depth, Header, Image
from darkroom.config import TilingConfig
from darkroom.engine import Job, Work
from darkroom.network import Network, Unit
from darkroom.pipelines.alpha import CONTEXT, AlphaRows
from darkroom.pipelines.task import Estimate
from darkroom.tiling import Axis, Grid, Pixels, Samples, Span, Tile, joined
from darkroom.version import ModelVersion

READ_BYTES = 4 * 2**20
"""Read at once, at least: a small picture is read in one go, and a narrow one in few."""
SPARE_ROWS = 2
"""Rows of tiles that may be open besides those whose tiles are outstanding: one that they fade into, and one that is
being encoded."""


def tiling_of(version: ModelVersion, network: Network) -> TilingConfig:
    return version.config.networks[network.name].tiling or TilingConfig()


def tiled_work(version: ModelVersion, network: Network, height: int, width: int) -> tuple[Work, ...]:
    """The price of `run_tiled` on a picture of `height` x `width` pixels."""
    shapes = Grid(height, width, tiling_of(version, network)).shapes()
    return tuple(Work(network, (h, w, 3), count) for (h, w), count in shapes.items())


def tiled_estimate(
    version: ModelVersion, network: Network, header: Header, scale: int, *, decodes: int = 1, held: int = 0
) -> Estimate:
    """Of a task that is `run_bands`. `network`: the one for 8 bits; `scale`: of the result. `decodes`: times that the
    picture is read; `held`: bytes besides what `run_bands` holds."""
    height, width = header.height, header.width
    network = version.for_bits(network, header.bits)
    engine = version.config.engine
    units = max(2, int(engine.window_batches * min(network.max_batch, engine.max_batch)))
    window = window_of(Grid(height, width, tiling_of(version, network)), scale, read_bytes(header, 1), units)
    work = tiled_work(version, network, height, width)
    return Estimate(work, width * scale, height * scale, held + window.bytes, decodes, window.bands)


class WindowSize(NamedTuple):
    """What `run_bands` holds of a picture and its result, and in how many parts they pass."""

    bytes: int
    bands: int


def window_of(grid: Grid, scale: int, row_bytes: int, units: int) -> WindowSize:
    """`scale`: of the result. `row_bytes`: of a decoded row; `units`: outstanding, at most."""
    height, whole = grid.height, grid.height * row_bytes
    tallest = max(size for size, _ in grid.shapes())
    _, columns = grid.counts
    read = min(height, 2 * tallest) * row_bytes + min(2 * READ_BYTES, whole)
    open_rows = min(height, tallest * (SPARE_ROWS + math.ceil(units / columns)))
    bands = math.ceil(height / tallest) if whole > READ_BYTES else 1
    return WindowSize(read + open_rows * row_bytes * scale * scale, bands)


def read_bytes(header: Header, rows: int) -> int:
    """Of `rows` rows of the picture, decoded."""
    return rows * header.width * (4 if header.alpha else 3) * (header.bits // 8)


def tiled_warm_ups(version: ModelVersion, extra: Unit = ()) -> list[tuple[Network, Unit]]:
    """`tiled_warm_up` of every network; of those for 16 bits only on a GPU, since on a CPU they are not open yet."""
    return [
        tiled_warm_up(version, network, extra)
        for network in version.networks.values()
        if network.record.bits == 8 or network.pad_batches
    ]


def tiled_warm_up(version: ModelVersion, network: Network, extra: Unit = ()) -> tuple[Network, Unit]:
    """One grey tile of the smallest shape, or the probe: enough to know what a pixel costs."""
    tiling, probe = tiling_of(version, network), version.config.networks[network.name].probe
    height, width = (probe, probe) if probe else (min(tiling.heights), min(tiling.widths))
    grey = np.full((height, width, 3), 128, np.uint8)
    return network, (grey if network.record.bits == 8 else grey.astype(np.uint16) * np.uint16(257), *extra)


class Rows(Protocol):
    """What `run_bands` reads: darkroom.bands.Source, or a picture in memory."""

    bits: Depth

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        """The next `rows` rows; at least one, unless the picture has ended."""


class ArrayRows:
    """Rows of a picture that lies in memory."""

    def __init__(self, pixels: Samples, alpha: Samples | None = None) -> None:
        self.bits: Depth = 8 if pixels.dtype == np.uint8 else 16
        self.height, self.width, _ = pixels.shape
        self._pixels, self._alpha = pixels, alpha
        self._first = 0

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        part = slice(self._first, self._first + rows)
        self._first += rows
        return self._pixels[part], None if self._alpha is None else self._alpha[part]


async def run_bands(
    job: Job, version: ModelVersion, network: Network, source: Rows, target: Target, extra: Unit = (), shrink: int = 1
) -> None:
    """Every tile of `source` through the network, and the result into `target`, s times as wide and high with
    s = network.scale // shrink. Alpha is enlarged along by interpolation.

    `extra`: further inputs of the network, the same for every tile. `shrink`: average blocks of so many output
    pixels, for a network that enlarges more than was asked for.
    """
    alphas = AlphaRows(source.height, network.scale // shrink)

    def write(first: int, pixels: Samples) -> None:
        target.write(pixels, alphas.take(first, first + len(pixels)))

    await _run(job, version, network, source, alphas, write, extra, shrink)


async def run_tiled(
    job: Job, version: ModelVersion, network: Network, pixels: Pixels, extra: Unit = (), shrink: int = 1
) -> Pixels:
    """`run_bands` of a picture in memory: uint8 [h, w, 3] -> uint8 [h * s, w * s, 3]."""
    height, width, channels = pixels.shape
    scale = network.scale // shrink
    result: Pixels = np.empty((height * scale, width * scale, channels), np.uint8)  # its pages come when written to

    def room(begin: int, end: int) -> Samples:
        return result[begin:end]

    def keep(first: int, rows: Samples) -> None:
        """They are in their place."""

    await _run(job, version, network, ArrayRows(pixels), AlphaRows(height, scale), keep, extra, shrink, room)
    return result


async def _run(
    job: Job,
    version: ModelVersion,
    network: Network,
    source: Rows,
    alphas: AlphaRows,
    write: Write,
    extra: Unit,
    shrink: int,
    room: Callable[[int, int], Samples] | None = None,
) -> None:
    grid = Grid(source.height, source.width, tiling_of(version, network))
    guarded = Guarded(grid)

    def place(index: int, outputs: Unit) -> None:
        tile = grid.tile(index)
        guarded.count(tile, outputs)
        canvas.place(tile, block_mean(outputs[0], shrink))

    window = job.window(place)
    dtype = np.uint8 if source.bits == 8 else np.uint16
    scale = network.scale // shrink
    canvas = Canvas(grid, scale, write, dtype=dtype, on_written=window.ask_soon, room=room)
    reading: asyncio.Task[Held] | None = None
    columns = len(grid.columns)
    try:
        held = await job.in_pool(read_on, source, alphas, None, *grid.rows.needs(0))
        for row in range(len(grid.rows)):
            if reading is not None:
                held, reading = await reading, None
            if row + 1 < len(grid.rows) and held.end < grid.rows.needs(row + 1)[1]:
                reading = asyncio.create_task(job.in_pool(read_on, source, alphas, held, *grid.rows.needs(row + 1)))
            shape = (grid.rows.span(row).size, grid.columns.span(0).size, 3)
            open_rows = SPARE_ROWS + math.ceil(window.size(network, shape) / columns)
            await window.until(lambda row=row, open_rows=open_rows: row - canvas.written < open_rows)  # type: ignore[misc]
            for index in range(row * columns, (row + 1) * columns):
                tile = grid.tile(index)
                await window.room(network, (tile.rows.size, tile.columns.size, 3))
                window.put(network, (grid.cut_tile(tile, held.pixels, held.first), *extra), index)
        await window.drain()
    finally:
        canvas.close()
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)  # no thread may read when the reader is closed
    job.report["tiles"] = job.report.get("tiles", 0) + len(grid)
    if guarded.reported:
        job.report["guarded_pixels"] = job.report.get("guarded_pixels", 0) + guarded.pixels
        job.engine.stats.guarded_pixels[network.name] += guarded.pixels


class Held(NamedTuple):
    """Rows of the source that tiles are cut from, `first` being the uppermost."""

    first: int
    pixels: Samples

    @property
    def end(self) -> int:
        return self.first + len(self.pixels)


def read_on(source: Rows, alphas: AlphaRows, held: Held | None, begin: int, end: int) -> Held:
    """Forget the rows before `begin`, and read until `end` at least. What was held stays as it was."""
    have = held.end if held else 0
    ahead = READ_BYTES // (source.width * 3 * (source.bits // 8))
    end = min(source.height, max(end + CONTEXT, have + ahead))
    parts = [held.pixels[begin - held.first :]] if held and begin < have else []
    while have < end:
        pixels, alpha = source.read(end - have)
        parts.append(pixels)
        if alpha is not None:
            alphas.add(alpha)
        have += len(pixels)
    return Held(begin, joined(parts))


class Guarded:
    """How many pixels of the picture the network replaced by its fallback, which is what a second output says: uint8
    [h, w] at the scale of the input, 0 where the network's own pixel was used."""

    def __init__(self, grid: Grid) -> None:
        self.pixels = 0
        self.reported = False
        """Whether the network has such an output."""
        self._grid = grid
        self._lock = threading.Lock()

    def count(self, tile: Tile, outputs: Unit) -> None:
        """Book one tile's; a pixel that several tiles hold counts once. From any thread."""
        if len(outputs) < 2:
            return
        rows, columns = _own(tile.rows, self._grid.rows), _own(tile.columns, self._grid.columns)
        pixels = int(np.count_nonzero(outputs[1][rows, columns]))
        with self._lock:
            self.reported = True
            self.pixels += pixels


def _own(span: Span, axis: Axis) -> slice:
    begin, end = axis.own(span)
    offset = axis.before - span.start
    return slice(begin + offset, end + offset)


def block_mean(pixels: Samples, size: int) -> Samples:
    """uint8 or uint16 [h * size, w * size, c] -> the same type [h, w, c]: the rounded mean of each block."""
    if size == 1:
        return pixels
    h, w, c = pixels.shape
    blocks = pixels.reshape(h // size, size, w // size, size, c)
    total = blocks.sum(axis=(1, 3), dtype=np.uint32)
    mean: Samples = ((total + size * size // 2) // (size * size)).astype(pixels.dtype)
    return mean


def with_pixels(image: Image, pixels: Pixels, alpha: Pixels | None) -> Image:
    """The same picture (profile, greyness, format, metadata) with other pixels."""
    return Image(pixels, alpha, image.grey, image.icc, image.format, image.metadata)
