"""Photographs as web tools leave them: untouched, halved, sharpened."""

from collections.abc import Callable
from functools import partial

import numpy as np
import PIL.Image
from PIL import ImageFilter
from skimage import data

from demo.photos import PHOTOS
from perf.field.case import Case, Way
from perf.field.checks import whole_blocks
from perf.field.files import opened, saved
from perf.field.pictures import Array

NOISE = "project issue: noise of the network on photographs"
WAYS = (Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4}))
SIDE = 320
"""Pixels of a detail at most: keeps a network's run at a second or two."""
OTHERS = ("rocket", "page", "clock", "coins", "brick", "grass", "gravel", "moon", "immunohistochemistry", "camera")


def cases() -> list[Case]:
    made = []
    for name, source in photographs().items():
        for change, make in variants(source).items():
            if name in OTHERS and change != "as it is":
                continue
            file = partial(_jpeg, make)
            made.append(
                Case(
                    "photos",
                    f"{name}, {change}",
                    file,
                    (whole_blocks(partial(_seen, file)),),
                    NOISE,
                    ways=WAYS,
                    device="cpu",
                    quick=False,
                )
            )
    return made


def photographs() -> dict[str, Callable[[], PIL.Image.Image]]:
    """Name -> what makes a photograph."""
    found: dict[str, Callable[[], PIL.Image.Image]] = {of.name: partial(_of, of.pixels) for of in PHOTOS}
    return found | {name: partial(_carried, name) for name in OTHERS}


def variants(source: Callable[[], PIL.Image.Image]) -> dict[str, Callable[[], PIL.Image.Image]]:
    """What is done to it."""

    def halved(method: PIL.Image.Resampling) -> PIL.Image.Image:
        picture = source()
        return picture.resize((picture.width // 2, picture.height // 2), method)

    filters = PIL.Image.Resampling
    return {
        "as it is": lambda: _detail(source()),
        "half, Lanczos": lambda: _detail(halved(filters.LANCZOS)),
        "half, bicubic": lambda: _detail(halved(filters.BICUBIC)),
        "half, nearest": lambda: _detail(halved(filters.NEAREST)),
        "half, Lanczos, sharpened": lambda: _detail(halved(filters.LANCZOS).filter(ImageFilter.UnsharpMask(1, 80, 0))),
        "sharpened": lambda: _detail(source().filter(ImageFilter.UnsharpMask(1.5, 100, 0))),
    }


def _detail(picture: PIL.Image.Image) -> PIL.Image.Image:
    left, top = max(0, (picture.width - SIDE) // 2), max(0, (picture.height - SIDE) // 2)
    return picture.crop((left, top, min(picture.width, left + SIDE), min(picture.height, top + SIDE)))


def _of(pixels: Array) -> PIL.Image.Image:
    return PIL.Image.fromarray(pixels)


def _carried(name: str) -> PIL.Image.Image:
    pixels = np.asarray(getattr(data, name)())
    return PIL.Image.fromarray(pixels).convert("RGB")


def _jpeg(make: Callable[[], PIL.Image.Image]) -> bytes:
    return saved(make(), "JPEG", quality=92, subsampling=0)


def _seen(file: Callable[[], bytes]) -> Array:
    return opened(file())
