"""WebP and AVIF through Pillow's encoders, which take a whole picture: rows are collected until the last one is there.

Both encoders run without the interpreter's lock."""

import io
from typing import Any, Literal

import numpy as np
from PIL import Image as Pillow

from darkroom.codec import icc
from darkroom.codec.exif_blocks import with_density
from darkroom.codec.image import Depth, Description, Pixels, Samples
from darkroom.codec.rows import Bands

_WEBP_EFFORT = 2
"""Of 0 to 6: libwebp's default of 4 takes twice as long for files of the same size and fidelity."""
_AVIF_SPEED = 9
"""Of 0 to 10: 8 takes 4 times as long for files that are 3 to 11 % smaller, 6 takes 10 times as long for 7 to 13 %
(`docs/decisions/writing_pictures.md`)."""
_LOSSLESS_ALPHA = {"a:lossless": "1"}
"""Otherwise alpha has the quality of the colours: up to 40 levels of error at the edge of a cut-out."""
_FULL_CHROMA_FROM = 90
"""Quality from which AVIF keeps every pixel's own colour (4:4:4), as in JPEG."""


class WholeWriter:
    """Lossy, 8 bits, with lossless alpha; grey is written as colour. Holds the picture, and a second copy of it while
    it is encoded."""

    bits: Depth = 8

    def __init__(
        self,
        description: Description,
        width: int,
        height: int,
        *,
        output_format: Literal["webp", "avif"],
        alpha: bool,
        quality: int,
    ) -> None:
        self._format = output_format
        self._description = description
        self._quality = quality
        self._bands = Bands(width, height, rows=64, grey=False, alpha=alpha)
        self._pixels: Pixels = np.empty((height, width, self._bands.channels), np.uint8)
        self._top = 0

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        for band in self._bands.add(pixels, alpha):
            self._pixels[self._top : self._top + len(band)] = band
            self._top += len(band)

    def finish(self) -> bytes:
        self._bands.check_complete()
        metadata = self._description.metadata
        options: dict[str, Any] = {
            "quality": self._quality,
            "icc_profile": icc.kept(self._description.icc, grey=False) or b"",
            "exif": with_density(metadata.exif, metadata.density) or b"",
            "xmp": metadata.xmp or b"",
        }
        if self._format == "webp":
            options["method"] = _WEBP_EFFORT
        else:
            options |= {"codec": "aom", "speed": _AVIF_SPEED, "max_threads": 1, "advanced": _LOSSLESS_ALPHA}
            options["subsampling"] = "4:4:4" if self._quality >= _FULL_CHROMA_FROM else "4:2:0"
        picture = Pillow.fromarray(self._pixels)
        self._pixels = self._pixels[:0]
        out = io.BytesIO()
        picture.save(out, self._format.upper(), **options)
        return out.getvalue()
