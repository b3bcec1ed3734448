"""The photographs that scikit-image and scikit-learn carry, with whom to thank for them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from skimage import data
from sklearn.datasets import load_sample_image

from demo.pictures import Picture, Pixels, png


@dataclass(frozen=True)
class Photo:
    """One photograph and its terms, as its package states them."""

    name: str
    title: str
    by: str
    licence: str
    source: str
    """Where its package says it comes from: a web address, or words."""
    package: str
    detail: tuple[int, int]
    """(x, y) of what is worth looking at closely, pixels."""

    @property
    def pixels(self) -> Pixels:
        """uint8 [h, w, 3] RGB."""
        return _pixels(self.name)

    @property
    def original(self) -> Picture:
        """The photo as a file, PNG."""
        return _original(self.name)

    @property
    def seed(self) -> int:
        """Of the noise added to this photo; fixed, so that the demo's figures can be repeated."""
        return [photo.name for photo in PHOTOS].index(self.name)


_CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"

PHOTOS = (
    Photo(
        "astronaut",
        "Astronaut",
        "NASA (Eileen Collins)",
        "public domain, no known copyright restrictions",
        "NASA Great Images, https://flic.kr/p/r9qvLn",
        "scikit-image",
        (212, 108),
    ),
    Photo("chelsea", "Chelsea", "Stéfan van der Walt", "CC0", "scikit-image's own", "scikit-image", (170, 115)),
    Photo(
        "coffee",
        "Coffee",
        "Rachel Michetti, Pikolo Espresso Bar",
        "CC0",
        "scikit-image's own",
        "scikit-image",
        (365, 275),
    ),
    Photo(
        "china",
        "China",
        "danielbuechele",
        _CC_BY,
        "https://www.flickr.com/photos/danielbuechele/6061409035/",
        "scikit-learn",
        (215, 165),
    ),
    Photo(
        "flower",
        "Flower",
        "vultilion (scikit-learn's README names danielbuechele beside vultilion's address)",
        _CC_BY,
        "https://www.flickr.com/photos/vultilion/6056698931/",
        "scikit-learn",
        (305, 215),
    ),
)
"""The five that the quality figures are averaged over."""


def photo(name: str) -> Photo:
    """One of `PHOTOS` by name. Raises KeyError."""
    return {photo.name: photo for photo in PHOTOS}[name]


@cache
def _pixels(name: str) -> Pixels:
    loaded = load_sample_image(f"{name}.jpg") if name in ("china", "flower") else getattr(data, name)()
    pixels: Pixels = np.asarray(loaded)
    pixels.setflags(write=False)  # cached, so shared by all callers
    return pixels


@cache
def _original(name: str) -> Picture:
    return Picture("original", png(_pixels(name)))
