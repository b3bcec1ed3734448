"""EXIF orientation: reading it, and turning pictures upright."""

import struct
from typing import Any

from numpy.typing import NDArray

from darkroom.codec.ifd import ORIENTATION, TiffReader


def from_exif(block: bytes) -> int:
    """The orientation 1..8 in an EXIF block (with or without its `Exif` prefix); 1 if absent or malformed."""
    try:
        reader = TiffReader(block.removeprefix(b"Exif\0\0"))
        entries, _ = reader.directory(reader.first)
        value = reader.numbers(entries[ORIENTATION], at_most=1)[0]
    except (KeyError, ValueError, struct.error):
        return 1
    return value if 1 <= value <= 8 else 1


def swaps_sides(orientation: int) -> bool:
    """True where the displayed width is the stored height."""
    return orientation >= 5


def as_stored(displayed: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A view of `displayed` [h, w] or [h, w, c] into which the stored rows can be written as they come.

    EXIF 2.3, tag 0x0112, says where the stored row 0 and column 0 belong in the displayed picture: 1 top left,
    2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom.
    """
    view = displayed
    if orientation in (2, 3, 6, 7):
        view = view[:, ::-1]
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    return view.swapaxes(0, 1) if swaps_sides(orientation) else view
