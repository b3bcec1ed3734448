"""The pictures that the files are made of."""

from functools import cache

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw
from skimage import data

from demo.photos import photo

Array = NDArray[np.uint8]
Deep = NDArray[np.uint16]


@cache
def cat() -> Array:
    """uint8 [188, 236, 3]: a photograph whose sides are no multiples of 8, unlike itself under turns and mirrors."""
    return _frozen(photo("chelsea").pixels[36:224, 104:340])


@cache
def coffee() -> Array:
    """uint8 [384, 512, 3]."""
    return _frozen(photo("coffee").pixels[:384, :512])


@cache
def portrait() -> Array:
    """uint8 [300, 320, 3]: one face, the astronaut's."""
    return _frozen(photo("astronaut").pixels[0:300, 80:400])


@cache
def grey() -> Array:
    """uint8 [188, 236]: the cat's luma."""
    return _frozen(np.asarray(PIL.Image.fromarray(cat()).convert("L")))


@cache
def deep() -> Deep:
    """uint16 [188, 236, 3]: the cat between the 8-bit levels, so that a lost low byte shows."""
    smooth = np.asarray(photo("chelsea").pixels[35:225, 103:341], np.uint32)
    mean = sum(smooth[y : y + 188, x : x + 236] for y in range(3) for x in range(3))
    return (np.asarray(mean, np.uint32) * 257 // 9).astype(np.uint16)


@cache
def deep_grey() -> Deep:
    """uint16 [188, 236]."""
    return np.ascontiguousarray(deep()[..., 1])


@cache
def ramp() -> Deep:
    """uint16 [96, 6000]: every column another level, from 1,000 to 60,990."""
    return np.broadcast_to((np.arange(6000) * 10 + 1000).astype(np.uint16), (96, 6000)).copy()


@cache
def ring(side: int = 96) -> Array:
    """uint8 [side, side]: the alpha of a logo, a ring and a bar with soft edges."""
    large = PIL.Image.new("L", (side * 8, side * 8))
    draw = ImageDraw.Draw(large)
    draw.ellipse([side * 0.8, side * 0.8, side * 7.2, side * 7.2], fill=255)
    draw.ellipse([side * 2.4, side * 2.4, side * 5.6, side * 5.6], fill=0)
    draw.rectangle([side * 3.7, side * 0.2, side * 4.3, side * 7.8], fill=255)
    return _frozen(np.asarray(large.resize((side, side), PIL.Image.Resampling.BOX)))


@cache
def soft_mask() -> Array:
    """uint8 [188, 236]: an oval that fades over some pixels and leaves all corners transparent."""
    y, x = np.mgrid[0:188, 0:236]
    distance = np.hypot((x - 116) / 95, (y - 90) / 75)
    return _frozen(np.clip((1 - distance) * 900 + 128, 0, 255).astype(np.uint8))


def coloured(alpha: Array, colour: tuple[int, int, int], hidden: tuple[int, int, int]) -> Array:
    """uint8 [h, w, 4]: `colour` where anything shows, `hidden` where nothing does."""
    rgba = np.empty((*alpha.shape, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = colour, alpha
    rgba[alpha == 0, :3] = hidden
    return rgba


def cut_out(hidden: tuple[int, int, int] = (0, 0, 0)) -> Array:
    """uint8 [188, 236, 4]: the cat under `soft_mask`, `hidden` where nothing shows."""
    rgba = np.dstack((cat(), soft_mask()))
    rgba[soft_mask() == 0, :3] = hidden
    return rgba


def page(size: int = 500) -> Array:
    """uint8 [191, 384, 3] grey text on paper, scanned: scikit-image's page."""
    scan: Array = data.page()
    return np.dstack([scan[:, :size]] * 3)


def _frozen(pixels: Array) -> Array:
    pixels = np.ascontiguousarray(pixels)
    pixels.setflags(write=False)
    return pixels
