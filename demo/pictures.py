"""Pixels to encoded files and back, for what is sent and what is measured."""

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Pixels = npt.NDArray[np.uint8]
"""uint8 [h, w, 3], RGB 0..255."""


_GROUND = (128, 128, 128, 255)


@dataclass(frozen=True)
class Picture:
    """An encoded file and what it is, in a word or two for a caption."""

    label: str
    data: bytes = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as displayed, pixels."""
        return opened(self.data).size

    @property
    def ending(self) -> str:
        """What the file's name ends in: png, jpeg, webp."""
        with Image.open(io.BytesIO(self.data)) as image:
            return str(image.format).lower()

    def pixels(self) -> Pixels:
        """uint8 [h, w, 3] RGB, upright, seen on a mid-grey ground where it is transparent; grey is replicated."""
        image = opened(self.data)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, _GROUND), image)
        return np.asarray(image.convert("RGB"))


def opened(data: bytes) -> Image.Image:
    """The decoded file, upright."""
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image)


def png(pixels: Pixels | Image.Image, **save: object) -> bytes:
    """Encode without loss; `save` goes to Pillow (`icc_profile=`...)."""
    return _saved(pixels, "PNG", compress_level=3, **save)


def jpeg(pixels: Pixels | Image.Image, quality: int, **save: object) -> bytes:
    """Encode as JPEG of this quality, 1..95, in Pillow's default chroma subsampling (4:2:0)."""
    return _saved(pixels, "JPEG", quality=quality, **save)


def _saved(pixels: Pixels | Image.Image, kind: str, **save: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **save)
    return buffer.getvalue()
