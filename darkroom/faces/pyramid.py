"""What the first network (P-Net) looks at: the picture at shrinking sizes, each cut into tiles of a few fixed shapes,
so that the tiles of all levels, pictures and jobs share batches.

P-Net is fully convolutional without padding: it answers for cells of 12 x 12 pixels, 2 pixels apart. Neighbouring
tiles overlap by 10 pixels, so the cells of the tiles are exactly the cells of the level, none missing and none twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from darkroom.faces.area import AreaSampler, Means

CELL = 12
"""Side of the window P-Net judges, pixels of the level."""
STRIDE = 2
"""Distance of neighbouring windows, pixels of the level."""
FACTOR = 0.709
"""Each level's size over the one before: 1 / sqrt(2), so that areas halve."""


@dataclass(frozen=True)
class Level:
    """One size of the picture; `scale` is its pixels per picture pixel."""

    scale: float
    height: int
    width: int

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of P-Net's answer. Its pooling rounds up, so an odd side has half a cell more."""
        return _cells(self.height), _cells(self.width)


@dataclass(frozen=True)
class Tile:
    """A square piece of a level. Cells `rows` x `columns` of P-Net's answer, from the top left, are real; the rest saw
    the repeated edge that fills the tile up."""

    level: Level
    row: int
    """First cell row of the level that this tile answers for."""
    column: int
    rows: int
    columns: int
    pixels: Means
    """float32 `[side, side, 3]`, 0-255."""


def levels(height: int, width: int, min_face: float) -> list[Level]:
    """The sizes at which faces from `min_face` picture pixels up to the whole picture fill one 12-pixel cell. Empty
    where the picture itself is smaller than `min_face`."""
    found = []
    scale = CELL / min_face
    # The level's own size, not this product, is rounded: compare as the reference does to get the same levels.
    while min(height, width) * scale >= CELL:
        found.append(Level(scale, int(height * scale + 1), int(width * scale + 1)))
        scale *= FACTOR
    return found


def plan(level: Level, sides: tuple[int, ...]) -> tuple[int, int]:
    """Side and number of the tiles that the level will be cut into: the one of `sides` that wastes least."""
    rows, columns = level.cells

    def count(side: int) -> int:
        return -(-rows // _span(side)) * -(-columns // _span(side))

    best = min(sides, key=lambda side: (count(side) * side * side, -side))
    return best, count(best)


def tiles(picture: AreaSampler, level: Level, sides: tuple[int, ...]) -> Iterator[Tile]:
    """Cut one level into the tiles that `plan` chose; `sides` are even and at least 12."""
    rows, columns = level.cells
    side, _ = plan(level, sides)
    span = _span(side)
    down, across = -(-rows // span), -(-columns // span)
    pixels = picture.resize(level.height, level.width)
    room_below = (down * span - 1) * STRIDE + CELL - level.height
    room_right = (across * span - 1) * STRIDE + CELL - level.width
    # Edge pixels, not zeros: a black frame would be an edge for the network to find.
    pixels = np.pad(pixels, ((0, max(room_below, 0)), (0, max(room_right, 0)), (0, 0)), mode="edge")
    for row in range(0, rows, span):
        for column in range(0, columns, span):
            top, left = row * STRIDE, column * STRIDE
            yield Tile(
                level,
                row,
                column,
                min(span, rows - row),
                min(span, columns - column),
                np.ascontiguousarray(pixels[top : top + side, left : left + side]),
            )


def _cells(length: int) -> int:
    pooled = -(-(length - 2) // 2)  # a 3 x 3 convolution, then pooling by two that rounds up
    return max(0, pooled - 4)  # two more 3 x 3 convolutions


def _span(side: int) -> int:
    """Cells along one side of a tile."""
    return (side - CELL) // STRIDE + 1
