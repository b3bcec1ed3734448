"""Size buckets: the few picture shapes a diffusion model is run at, so that jobs of different photos share batches."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

_RATIOS = (1.0, 4 / 3, 5 / 3)  # square, the camera's format, and what lies between 3:2 and 16:9


@dataclass(frozen=True)
class Fit:
    """A picture's place in its bucket: it fills `rows` x `columns` from the top left, mirrored content the rest."""

    height: int
    width: int
    """The bucket: what the networks see, in pixels."""
    rows: int
    columns: int
    """The picture inside it: what the caller gets, in pixels."""

    def whole(self) -> "Fit":
        """The same bucket, filled to its edges."""
        return Fit(self.height, self.width, self.height, self.width)

    def crop(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture out of `pixels` [height, width, 3]."""
        return pixels[: self.rows, : self.columns]

    def place(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize `pixels` [h, w, 3] (Lanczos) and mirror it out to the bucket: [height, width, 3]."""
        resized = resize(pixels, self.rows, self.columns)
        missing = ((0, self.height - self.rows), (0, self.width - self.columns), (0, 0))
        return np.pad(resized, missing, mode="symmetric")


def buckets(size: int, multiple: int) -> tuple[tuple[int, int], ...]:
    """(height, width) of the shapes offered for `size`: all of about size x size pixels, sides in `multiple`s.

    For 512 and 64: 512x512, 448x576, 576x448, 384x640, 640x384. At most five, because every shape is one more to
    warm up, and jobs of different shapes cannot share a batch.
    """
    shapes: dict[tuple[int, int], None] = {}
    for ratio in _RATIOS:
        short, long = (multiple * max(1, round(size * factor / multiple)) for factor in (ratio**-0.5, ratio**0.5))
        shapes |= {(short, long): None, (long, short): None}
    return tuple(shapes)


def fit(height: int, width: int, size: int, multiple: int) -> Fit:
    """The bucket nearest in aspect to a picture of height x width pixels, and the picture's size inside it.

    The aspect is kept to the pixel: the picture is scaled, up or down, until it touches two sides of the bucket.
    """
    aspect = math.log(width / height)
    bucket_height, bucket_width = min(
        buckets(size, multiple), key=lambda shape: abs(aspect - math.log(shape[1] / shape[0]))
    )
    factor = min(bucket_height / height, bucket_width / width)
    rows = min(bucket_height, max(1, round(height * factor)))
    columns = min(bucket_width, max(1, round(width * factor)))
    return Fit(bucket_height, bucket_width, rows, columns)


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Lanczos to height x width; `pixels` [h, w, 3] or [h, w]. Returns the input where nothing changes."""
    if pixels.shape[:2] == (height, width):
        return pixels
    resized: Any = PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.LANCZOS)
    return np.asarray(resized)
