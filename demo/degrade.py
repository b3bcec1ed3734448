"""What is done to a good photo so that there is something to restore, and the plain remedy to compare with."""

import numpy as np
from PIL import Image

from demo.pictures import Pixels


def whole(pixels: Pixels, multiple: int = 8) -> Pixels:
    """Cut off the right and bottom rest, so that height and width are multiples and shrinking loses no part of a pixel.

    Super-resolution's figures are only comparable with others when all use the same multiple; 8 is ours.
    """
    height, width = (side // multiple * multiple for side in pixels.shape[:2])
    return pixels[:height, :width]


def shrink(pixels: Pixels, factor: int) -> Pixels:
    """Bicubic (a = -0.5) with antialiasing. Sides must be multiples of `factor`, else ValueError."""
    height, width = pixels.shape[:2]
    if height % factor or width % factor:
        raise ValueError(f"{width} x {height} pixels cannot be shrunk by {factor}: the sides must be multiples of it")
    return _bicubic(pixels, width // factor, height // factor)


def enlarge(pixels: Pixels, factor: int) -> Pixels:
    """Bicubic (a = -0.5): what any viewer would do."""
    height, width = pixels.shape[:2]
    return _bicubic(pixels, width * factor, height * factor)


def add_noise(pixels: Pixels, sigma: float, seed: int) -> Pixels:
    """White Gaussian noise of standard deviation `sigma` grey levels in each channel, rounded and clipped to 8 bit."""
    noise = np.random.default_rng(seed).normal(0.0, sigma, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def _bicubic(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
