"""Encoded file -> whole picture of 8 bits."""

from typing import Literal

import numpy as np

from darkroom.codec.image import Image
from darkroom.codec.reader import open_reader
from darkroom.config import Limits


def decode(
    data: bytes,
    limits: Limits,
    *,
    frame: int | None = None,
    truncated: Literal["refuse", "accept"] = "refuse",
) -> Image:
    """The picture in the encoded file `data`, upright, as a viewer shows it: `open_reader` with 8 bits, read whole.

    Raises BadImageError as `open_reader` does, and for pixels that are truncated or damaged: there is no partial
    picture, unless `truncated="accept"`. Thread-safe; the libraries release the GIL while they decode.
    """
    with open_reader(data, limits, bits=8, frame=frame, truncated=truncated) as reader:
        pixels, alpha = reader.read(reader.header.height)
        about = reader.description
    alpha8 = None if alpha is None else alpha.astype(np.uint8, copy=False)
    return Image(pixels.astype(np.uint8, copy=False), alpha8, about.grey, about.icc, about.format, about.metadata)
