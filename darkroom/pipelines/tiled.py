"""One network over a whole picture, tile by tile: the common step of super-resolution and denoising."""

from collections.abc import Iterator

import numpy as np

from darkroom.codec import Image
from darkroom.config import TilingConfig
from darkroom.engine import Job, Work
from darkroom.network import Network, Unit
from darkroom.tiling import Canvas, Grid, Pixels
from darkroom.version import ModelVersion


def tiling_of(version: ModelVersion, network: Network) -> TilingConfig:
    return version.config.networks[network.name].tiling or TilingConfig()


def tiled_work(version: ModelVersion, network: Network, height: int, width: int) -> tuple[Work, ...]:
    """The price of `run_tiled` on a picture of `height` x `width` pixels."""
    shapes = Grid(height, width, tiling_of(version, network)).shapes()
    return tuple(Work(network, (h, w, 3), count) for (h, w), count in shapes.items())


def tiled_warm_up(version: ModelVersion, network: Network, extra: Unit = ()) -> tuple[Network, Unit]:
    """One grey tile of the smallest shape, or the probe: enough to know what a pixel costs."""
    tiling, probe = tiling_of(version, network), version.config.networks[network.name].probe
    height, width = (probe, probe) if probe else (min(tiling.heights), min(tiling.widths))
    dtype = np.uint8 if network.record.bits == 8 else np.uint16
    return network, (np.full((height, width, 3), 2 ** (network.record.bits - 1), dtype), *extra)


async def run_tiled(
    job: Job, version: ModelVersion, network: Network, pixels: Pixels, extra: Unit = (), shrink: int = 1
) -> Pixels:
    """uint8 [h, w, 3] -> uint8 [h * s, w * s, 3] with s = network.scale // shrink.

    `extra`: further inputs of the network, the same for every tile. `shrink`: average blocks of so many output
    pixels, for a network that enlarges more than was asked for.
    """
    height, width, _ = pixels.shape
    grid = Grid(height, width, tiling_of(version, network))
    canvas = Canvas(grid, network.scale // shrink)  # its pages come when they are written to

    def units() -> Iterator[Unit]:
        for tile in grid.cut(pixels):
            yield (tile, *extra)

    def place(index: int, outputs: Unit) -> None:
        canvas.place(grid.tiles[index], block_mean(outputs[0], shrink))

    await job.map(network, units(), place)
    job.report["tiles"] = job.report.get("tiles", 0) + len(grid.tiles)
    # without seams there is nothing left to write, and a thread's turn costs more than that
    return canvas.finish() if len(grid.tiles) == 1 else await job.in_pool(canvas.finish)


def block_mean(pixels: Pixels, size: int) -> Pixels:
    """uint8 [h * size, w * size, c] -> uint8 [h, w, c]: the rounded mean of each block."""
    if size == 1:
        return pixels
    h, w, c = pixels.shape
    blocks = pixels.reshape(h // size, size, w // size, size, c)
    total = blocks.sum(axis=(1, 3), dtype=np.uint32)
    mean: Pixels = ((total + size * size // 2) // (size * size)).astype(np.uint8)
    return mean


def with_pixels(image: Image, pixels: Pixels, alpha: Pixels | None) -> Image:
    """The same picture (profile, greyness, format) with other pixels."""
    return Image(pixels=pixels, alpha=alpha, grey=image.grey, icc=image.icc, format=image.format)
