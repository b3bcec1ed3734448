"""libvips as a decoder that yields rows: it holds a band of them, not the picture.

The operation cache is off, since every file is met once. Rows are fetched in the calling thread, one thread a file;
the interpreter's lock is released meanwhile. Loaders that libvips calls untrusted are blocked; each file goes to the
loader that its signature names.
"""

import logging
from typing import Any

import numpy as np
import pyvips

from darkroom.codec.image import Samples

pyvips.cache_set_max(0)
pyvips.concurrency_set(1)
pyvips.block_untrusted_set(True)
logging.getLogger("pyvips").setLevel(logging.ERROR)  # it warns about every odd file

VipsError = pyvips.Error
_TYPES = {"uchar": np.uint8, "ushort": np.uint16}


class VipsRows:
    """The rows of an encoded file, as libvips decodes them. Raises VipsError for what it cannot decode."""

    def __init__(self, loader: str, data: bytes, **options: Any) -> None:
        self._data = data  # libvips reads from it
        source = pyvips.Source.new_from_memory(data)
        self._image = getattr(pyvips.Image, f"{loader}load_source")(source, access="sequential", **options)
        self.width, self.height, self.channels = self._image.width, self._image.height, self._image.bands
        if self._image.format not in _TYPES:
            raise ValueError(f"samples of type {self._image.format}")
        self.type = _TYPES[self._image.format]
        self._top = 0

    def field(self, name: str) -> Any:
        """What the loader says about the picture under `name`; None if nothing."""
        return self._image.get(name) if self._image.get_typeof(name) else None

    def read(self, rows: int) -> Samples:
        rows = min(rows, self.height - self._top)
        if rows <= 0:
            return np.empty((0, self.width, self.channels), self.type)
        # A region belongs to the thread that makes it, and the next band may be read by another.
        fetched = pyvips.Region.new(self._image).fetch(0, self._top, self.width, rows)
        self._top += rows
        samples: Samples = np.frombuffer(fetched, self.type).reshape(rows, self.width, self.channels)
        return samples

    def close(self) -> None:
        """Free the decoder; nothing can be read any more."""
        self._image, self.height = None, 0
