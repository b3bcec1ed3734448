"""Reads headers and holds them against the limits: microseconds, whatever the size of the picture."""

import struct
from typing import Literal

from darkroom.codec import orientation
from darkroom.codec.formats import FORMATS
from darkroom.codec.image import Header
from darkroom.codec.raw import Choice, RawHeader
from darkroom.codec.recognise import NAMES, recognise
from darkroom.config import Limits
from darkroom.errors import BadImageError


def read_header(
    data: bytes,
    limits: Limits,
    *,
    frame: int | None = None,
    truncated: Literal["refuse", "accept"] = "refuse",
) -> Header:
    """What the encoded file `data` holds, as displayed; decodes nothing and allocates next to nothing.

    `frame`: which frame of an animation or page, from 0; None refuses files with several. `truncated="accept"`: files
    that end early are not refused. Raises BadImageError if the file is empty, no image or of another format, animated
    or of several pages without a chosen frame, zero-sized, beyond `limits`, or visibly truncated or damaged (the pixels
    themselves are only seen by `open_reader`).
    """
    return as_displayed(inspect(data, limits, Choice(frame, truncated)))


def as_displayed(raw: RawHeader) -> Header:
    """What the callers of the codec see of a header."""
    width, height = raw.width, raw.height
    if orientation.swaps_sides(raw.orientation):
        width, height = height, width
    banded = raw.banded and not raw.alpha and raw.orientation == 1
    return Header(raw.format, width, height, raw.grey, raw.alpha, raw.bits, banded)


def inspect(data: bytes, limits: Limits, choice: Choice) -> RawHeader:
    """`read_header`, as stored."""
    if len(data) > limits.max_bytes:
        raise BadImageError(f"The image file has {len(data)} bytes; at most {limits.max_bytes} are allowed.")
    name = recognise(data)
    try:
        header = FORMATS[name].parse(data, choice)
    except (struct.error, IndexError):
        raise BadImageError(f"The {NAMES[name]} image is truncated: its header is not complete.") from None
    except ValueError as error:
        raise BadImageError(f"The {NAMES[name]} image is damaged: its header has {error}.") from None
    except BadImageError:
        raise
    except Exception as error:  # the libraries raise anything
        raise BadImageError(f"The {NAMES[name]} image is truncated or damaged: its header cannot be read.") from error
    _check_size(header.width, header.height, limits)
    return header


def _check_size(width: int, height: int, limits: Limits) -> None:
    size = f"{width} x {height} pixels"
    if width < 1 or height < 1:
        raise BadImageError(f"The image is {size}; both sides must be at least 1.")
    if width * height > limits.max_pixels:
        raise BadImageError(f"The image is {size}, {width * height} in all; at most {limits.max_pixels} are allowed.")
