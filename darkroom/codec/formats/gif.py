"""GIF. libvips (libnsgif) decodes, and composes the frames of animations."""

import struct

from darkroom.codec.raw import Choice, RawHeader, RawImage, check_composing, choose_frame
from darkroom.codec.vips import VipsError, VipsRows
from darkroom.errors import BadImageError


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for animations without a chosen frame; struct.error if the header ends early."""
    if len(data) < 13:
        raise struct.error("the screen's size ends early")
    rows = _opened(data)
    width, height = rows.width, rows.height
    frames = int(rows.field("n-pages") or 1)
    frame = choose_frame("GIF", frames, choice)
    check_composing("GIF", frame, width, height)
    if frame:
        rows = _opened(data, frame)
    return RawHeader("gif", width, height, False, rows.channels in (2, 4), 8, 1, frame, frames)


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """Palettes come as colour, also where they are grey."""
    return RawImage(_opened(data, header.frame))


def _opened(data: bytes, frame: int = 0) -> VipsRows:
    try:
        return VipsRows("gif", data, page=frame, fail_on="error")
    except VipsError:
        raise BadImageError("The GIF image is truncated or damaged: it cannot be decoded.") from None
