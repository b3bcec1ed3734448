"""Transparency beside a network: enlarged by interpolation, in bands with the bytes of the whole."""

import threading
from typing import TypeVar, cast

import numpy as np
import PIL.Image

from darkroom.codec import Samples
from darkroom.tiling import joined

SamplesT = TypeVar("SamplesT", bound=Samples)

CONTEXT = 4
"""Rows above and below that an enlarged row depends on, and two more: a cubic reaches two to each side."""


def enlarge(alpha: SamplesT, scale: int) -> SamplesT:
    """Bicubic, uint8 or uint16 [h, w] -> the same type [h * scale, w * scale]: transparency has soft edges and no
    texture."""
    height, width = alpha.shape
    size = (width * scale, height * scale)
    if alpha.dtype == np.uint8:
        picture = PIL.Image.fromarray(alpha).resize(size, PIL.Image.Resampling.BICUBIC)
        return cast(SamplesT, np.asarray(picture))
    # Pillow has no bicubic of 16 bits
    values = PIL.Image.fromarray(alpha.astype(np.float32)).resize(size, PIL.Image.Resampling.BICUBIC)
    return cast(SamplesT, np.clip(np.rint(np.asarray(values)), 0, 65535).astype(np.uint16))


class AlphaRows:
    """Rows of transparency that wait for the pixels beside them: `add` as they are read, `take` as they are written.
    Two threads may do so at once."""

    def __init__(self, height: int, scale: int) -> None:
        """`height`: of the whole picture, input pixels."""
        self._height, self._scale = height, scale
        self._parts: list[tuple[int, Samples]] = []
        self._end = 0
        self._lock = threading.Lock()

    def add(self, alpha: Samples) -> None:
        """The next input rows [n, w]."""
        with self._lock:
            self._parts.append((self._end, alpha))
            self._end += len(alpha)

    def take(self, begin: int, end: int) -> Samples | None:
        """Output rows [begin, end), both multiples of the scale, as [end - begin, w * scale]; None where the picture is
        opaque. Called from the top to the bottom; the CONTEXT input rows below must have been added."""
        begin, end = begin // self._scale, end // self._scale
        context = 0 if self._scale == 1 else CONTEXT
        top, bottom = max(0, begin - context), min(self._height, end + context)
        with self._lock:
            if not self._parts:
                return None
            rows = [part[max(0, top - first) : bottom - first] for first, part in self._parts if first < bottom]
            self._parts = [(first, part) for first, part in self._parts if first + len(part) > end - context]
        part = joined(rows)
        if self._scale == 1:
            return part
        return enlarge(part, self._scale)[(begin - top) * self._scale : (end - top) * self._scale]
