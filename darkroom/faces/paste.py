"""A restored crop back into the picture, under a soft mask."""

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from darkroom.faces.alignment import Matrix, corners, invert
from darkroom.faces.area import Pixels
from darkroom.faces.warp import sample, warp

Floats = npt.NDArray[np.float32]

RADIUS = 0.498
"""Where the mask reaches zero, in crop sides from the middle: just inside, so a restored border can never show."""
SOLID = 0.85
"""Share of the radius within which the restored face stands alone; beyond it fades over the remaining share."""
ROUNDNESS = 8
"""Exponent of the superellipse |x|^p + |y|^p = 1 that the mask's outline follows (2 is a circle). A square with round
corners takes the hair along, and a face that is clean under noisy hair looks like a mask."""
STRIP = 256
"""Rows blended at a time: bounds the memory that a face as large as the picture takes."""


@functools.lru_cache(maxsize=8)
def mask(side: int) -> Floats:
    """How much of the restored crop shows: float32 `[side, side]`, 0-1.

    A rounded square with a flank whose slope begins and ends at zero, so that neither a tone nor the grain of the
    picture jumps anywhere. The array is shared and read-only.
    """
    distance = np.abs((np.arange(side) + 0.5) / side - 0.5) / RADIUS
    power = distance**ROUNDNESS
    outline = (power[None, :] + power[:, None]) ** (1 / ROUNDNESS)
    fade = np.clip((1 - outline) / (1 - SOLID), 0, 1)
    soft: Floats = (fade * fade * (3 - 2 * fade)).astype(np.float32)
    soft.setflags(write=False)
    return soft


def paste(picture: Pixels, restored: Pixels, matrix: Matrix, opacity: float) -> None:
    """Blend one crop into `picture`, in place.

    `picture` uint8 `[h, w, 3]`; `restored` uint8 `[side, side, 3]`; `matrix`: picture -> crop; `opacity` 0-1: 0 leaves
    the picture as it is. Where the mask is zero no pixel changes; parts beyond the picture's borders are dropped.
    """
    side = len(restored)
    outline = corners(matrix, side)
    limit = np.array([picture.shape[1], picture.shape[0]])
    left, top = np.clip(np.floor(outline.min(axis=0)), 0, limit).astype(int)
    right, bottom = np.clip(np.ceil(outline.max(axis=0)), 0, limit).astype(int)
    if opacity <= 0 or right <= left or bottom <= top:
        return
    back = invert(matrix)
    for strip in range(top, bottom, STRIP):
        below = picture[strip : min(strip + STRIP, bottom), left:right]
        height, width = below.shape[:2]
        local = np.column_stack([back[:, :2], back[:, 2] - (left, strip)])
        share = sample(mask(side), local, height, width)[:, :, None] * np.float32(opacity)
        face = warp(restored, local, height, width).astype(np.float32)
        below[:] = np.rint(below + share * (face - below))


def order(areas: Sequence[float]) -> list[int]:
    """The order in which overlapping faces are pasted: small before large, since the larger is usually the nearer
    one; equal areas in the order given."""
    return sorted(range(len(areas)), key=lambda index: areas[index])
