"""How worn is a picture, and how strongly should what lies around its restored faces be denoised?

Two kinds of wear count: noise, and the blocks of strong JPEG compression. JPEG takes the finest detail of noise away
and leaves its coarser part, so one look at the finest detail (`darkroom.noise`) finds the noise of an old JPEG far too
weak. Noise is therefore measured at two sizes, in the smoothest fifth of the picture, where little texture is taken for
it. Figures: ten photographs of scikit-image and scikit-learn, noise of 0 to 25 grey levels, JPEG of quality 40 and 85.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from darkroom.faces.area import Pixels

Floats = npt.NDArray[np.float32]

SMALLEST_NOISE = 3.5
"""Grey levels; less is left as it is. Clean photographs measure up to 2.8 at either size, unless all is texture."""
WHITE = 1.6
"""Noise that no JPEG went over measures at half size as at full size (up to 1.3 times as much); texture measures at
least 1.8 times as much, and stays."""
COMPRESSED = 0.2
"""Grey levels of `_blocks` from which a picture went through JPEG; whole photographs that did not measure at most
0.17."""
CLEAR = 2.0
"""How far the phase of JPEG's blocks must stand out, in distances of the second phase: texture, and pictures enlarged
by two, have several alike (1.0 to 1.2; JPEG of quality 85 with noise 1.5 to 7.8)."""
BLOCKS = 1.5
"""Grey levels of `_blocks` from which blocks are visible: quality 40 measures 1.2 to 3.7, quality 85 up to 0.8."""
LIGHT, STRONG = 5.0, 10.0
"""Strengths for what went through JPEG, grey levels. Light is for blocks without noise and for noise under good
quality: it gains 0.2 to 2 dB where there is either, and a picture that is all texture does not lose. Strong is for
noise under visible blocks; more would take texture along."""

TILE = 256
"""Side of the samples, pixels; a multiple of JPEG's 8, so that the phase of its blocks is the same in all."""
MOST_TILES = 64
BLOCK = 16
"""Side of the areas whose noise is measured, at full size in pixels of 2 x 2."""
SMOOTHEST = 0.2
DARK, BRIGHT = 16, 239
"""Outside of this range clipping has cut the noise short."""


def strength(pixels: Pixels, alpha: Pixels | None = None) -> float:
    """The noise that a denoiser should be told for uint8 `[h, w, 3]`: standard deviation in grey levels, or 0 where the
    picture should stay as it is. `alpha`: uint8 `[h, w]`; what it hides does not count."""
    tiles = [tile.astype(np.float32) for tile in _samples(pixels)]
    if alpha is not None:
        for tile, shown in zip(tiles, _samples(alpha), strict=True):
            tile[shown == 0] = 0  # as dark as what clipping has cut, which is left out
    fine = _smoothest([_noise(tile, BLOCK) for tile in tiles])
    coarse = _smoothest([2 * _noise(_halved(tile), BLOCK // 2) for tile in tiles])
    if fine >= SMALLEST_NOISE and coarse <= WHITE * fine:
        return max(fine, coarse)
    blocks = _blocks(tiles)
    if blocks >= BLOCKS:
        return min(max(2 * coarse, LIGHT), STRONG)
    return LIGHT if blocks >= COMPRESSED and fine < SMALLEST_NOISE <= coarse else 0.0


def _samples(pixels: Pixels) -> Iterator[Pixels]:
    """Tiles of the picture, spread evenly over it; all of them where they are few."""
    height, width = pixels.shape[:2]
    places = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    step = math.ceil(len(places) / MOST_TILES)
    # counted through, a step that divides the number of columns would look at the same columns in every row
    columns = -(-width // TILE)
    step += step > 1 and math.gcd(step, columns) > 1
    for top, left in places[::step]:
        yield pixels[top : top + TILE, left : left + TILE]


def _halved(tile: Floats) -> Floats:
    a, b, c, d = _quads(tile)
    mean: Floats = (a + b + c + d) / 4
    return mean


def _noise(tile: Floats, side: int) -> Floats:
    """Noise of each area of `side` x `side` quads that clipping left alone: float32 `[3, n]`, NaN for the others.

    The median absolute deviation of the diagonal Haar detail (Donoho and Johnstone, "Ideal spatial adaptation by
    wavelet shrinkage", 1994)."""
    a, b, c, d = _quads(tile)
    detail, mean = _areas(np.abs(a - b - c + d) / 2, side), _areas((a + b + c + d) / 4, side)
    usable = ((mean > DARK) & (mean < BRIGHT)).mean(axis=2) > 0.9
    noise: Floats = np.where(usable, np.median(detail, axis=2) / 0.6745, np.nan).astype(np.float32)
    return noise


def _quads(tile: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The four pixels of every 2 x 2."""
    even = tile[: tile.shape[0] // 2 * 2, : tile.shape[1] // 2 * 2]
    return even[0::2, 0::2], even[0::2, 1::2], even[1::2, 0::2], even[1::2, 1::2]


def _areas(values: Floats, side: int) -> Floats:
    """float32 `[h, w, 3]` -> float32 `[3, n, side * side]`: the whole areas."""
    rows, columns = values.shape[0] // side, values.shape[1] // side
    cut = values[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return cut.transpose(4, 0, 2, 1, 3).reshape(3, rows * columns, side * side)


def _smoothest(tiles: list[Floats]) -> float:
    """Noise of the smoothest fifth, mean of the channels; 0 where too little of the picture can be judged."""
    noise = np.concatenate(tiles, axis=1)
    found = [channel[~np.isnan(channel)] for channel in noise]
    if min(map(len, found)) < 4:
        return 0.0
    return float(np.mean([np.quantile(channel, SMOOTHEST) for channel in found]))


def _blocks(tiles: list[Floats]) -> float:
    """How much larger the steps between pixels are at every eighth row and column than beside it, grey levels.

    The weaker direction counts: stripes of a picture have one, the blocks of JPEG both. A crop may begin anywhere in a
    block, so the best of the eight phases is taken."""
    return min(_steps(tiles), _steps([tile.transpose(1, 0, 2) for tile in tiles]))


def _steps(tiles: list[Floats]) -> float:
    excess = np.zeros(8)
    counts = np.zeros(8)
    for tile in tiles:
        if tile.shape[1] < 4:
            continue
        step = np.abs(np.diff(tile.mean(axis=2), axis=1)).mean(axis=0)
        beyond = step[1:-1] - (step[:-2] + step[2:]) / 2
        for phase in range(8):
            own = beyond[phase::8]
            excess[phase] += own.sum() * len(tile)
            counts[phase] += len(own) * len(tile)
    if not counts.all():
        return 0.0
    means = np.sort(excess / counts)
    middle = np.median(means)
    # the two phases beside the edge have it as a neighbour, and measure below the others
    highest, second = means[-1] - middle, means[-2] - middle
    return float(highest) if highest > CLEAR * second else 0.0
