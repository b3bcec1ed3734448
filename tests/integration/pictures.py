"""Small real photos as encoded files, and what an independent reader sees in an answer."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
import skimage.data


def photo(width: int, height: int, seed: int = 0) -> np.ndarray:
    """uint8 [h, w, 3]: a crop of skimage's astronaut (512 x 512, public domain), another for each seed. Larger ones
    are enlarged."""
    picture = PIL.Image.fromarray(skimage.data.astronaut())
    if max(width, height) > picture.width:
        return np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))
    x, y = (seed * 61) % (picture.width - width + 1), (seed * 37) % (picture.height - height + 1)
    return np.asarray(picture.crop((x, y, x + width, y + height)))


def file_of(pixels: np.ndarray | PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file Pillow writes."""
    buffer = io.BytesIO()
    picture = PIL.Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def photo_file(width: int, height: int, kind: str = "PNG", seed: int = 0) -> bytes:
    return file_of(photo(width, height, seed), kind)


def opened(data: bytes) -> PIL.Image.Image:
    picture = PIL.Image.open(io.BytesIO(data))
    picture.load()
    return picture


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(opened(data))
