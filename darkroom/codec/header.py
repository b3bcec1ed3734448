"""Reads headers and holds them against the limits: microseconds, whatever the size of the picture."""

import struct
from types import MappingProxyType
from typing import Literal

from darkroom.codec import orientation
from darkroom.codec.facts import Facts
from darkroom.codec.formats import bmp, jpeg, png, tiff, webp
from darkroom.codec.image import Header
from darkroom.codec.recognise import NAMES, recognise
from darkroom.config import Limits
from darkroom.errors import BadImageError

_PARSERS = MappingProxyType(
    {"jpeg": jpeg.parse, "png": png.parse, "webp": webp.parse, "tiff": tiff.parse, "bmp": bmp.parse}
)


def read_header(
    data: bytes,
    limits: Limits,
    *,
    frame: int | None = None,
    truncated: Literal["refuse", "accept"] = "refuse",
) -> Header:
    """What the encoded file `data` holds, as displayed; decodes nothing and allocates next to nothing.

    Raises BadImageError if it is empty, no image or of another format, animated or of several pages, zero-sized,
    beyond `limits`, or visibly truncated or damaged (the pixels themselves are only seen by `decode`).
    """
    facts = inspect(data, limits)
    width, height = facts.width, facts.height
    if orientation.swaps_sides(facts.orientation):
        width, height = height, width
    return Header(facts.format, width, height, facts.grey, facts.alpha)


def inspect(data: bytes, limits: Limits) -> Facts:
    """`read_header`, as stored."""
    if len(data) > limits.max_bytes:
        raise BadImageError(f"The image file has {len(data)} bytes; at most {limits.max_bytes} are allowed.")
    name = recognise(data)
    try:
        facts = _PARSERS[name](data)
    except (struct.error, IndexError):
        raise BadImageError(f"The {NAMES[name]} image is truncated: its header is not complete.") from None
    except ValueError as error:
        raise BadImageError(f"The {NAMES[name]} image is damaged: its header has {error}.") from None
    _check_size(facts.width, facts.height, limits)
    return facts


def _check_size(width: int, height: int, limits: Limits) -> None:
    size = f"{width} x {height} pixels"
    if width < 1 or height < 1:
        raise BadImageError(f"The image is {size}; both sides must be at least 1.")
    if width * height > limits.max_pixels:
        raise BadImageError(f"The image is {size}, {width * height} in all; at most {limits.max_pixels} are allowed.")
