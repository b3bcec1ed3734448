"""PSNR and SSIM as the literature on super-resolution and denoising measures them."""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from demo.pictures import Pixels

Plane = npt.NDArray[np.float64]

PEAK = 255.0
"""Greatest difference of two grey levels: the peak of PSNR and the dynamic range of SSIM, for luma too."""
IDENTICAL_DB = 100.0
"""Stands in for the infinite PSNR of equal pictures, which JSON cannot carry."""
BLOCK = 16
"""Side of the blocks that `block_errors` judges, pixels."""
BAD_BLOCK = 20.0
"""Error of a block in grey levels from where it shows another picture than the one that was sent."""
_RADIUS = 5
_SIGMA = 1.5


@dataclass(frozen=True)
class Quality:
    """How near a picture comes to another."""

    psnr: float
    """dB; more is nearer."""
    ssim: float
    """-1..1; 1 is equal."""


def on_luma(result: Pixels, reference: Pixels, border: int = 0) -> Quality:
    """PSNR and SSIM of luma (`luma`), `border` pixels left out on each side."""
    a, b = (luma(_inner(pixels, border)) for pixels in _alike(result, reference))
    return Quality(psnr(a, b), ssim(a, b))


def on_rgb(result: Pixels, reference: Pixels) -> Quality:
    """PSNR over all three channels at once; SSIM as their mean."""
    # planes one after the other: BLAS refuses strided ones, and SSIM would take twenty times as long
    a, b = (np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float64) for pixels in _alike(result, reference))
    return Quality(psnr(a, b), float(np.mean([ssim(*planes) for planes in zip(a, b, strict=True)])))


def block_errors(result: Pixels, sent: Pixels) -> Plane:
    """Root mean square error in grey levels of each 16 x 16 block of `sent`, uint8 [h, w, 3], of `result`, uint8 [h *
    s, w
    * s, 3], averaged back to that size. Means over a picture hide a spot that is destroyed; this does not.

    [h // 16, w // 16]; what is left over on the right and below is not judged. Raises ValueError for pictures smaller
    than a block."""
    height, width = sent.shape[:2]
    rows, columns = height // BLOCK, width // BLOCK
    if not rows or not columns:
        raise ValueError(f"blocks are {BLOCK} x {BLOCK} pixels, got a picture of {width} x {height}")
    back = cv2.resize(result, (width, height), interpolation=cv2.INTER_AREA)
    squared = np.square(back.astype(np.float64) - sent)[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(np.sqrt(squared.reshape(rows, BLOCK, columns, BLOCK, 3).mean((1, 3, 4))))


def luma(pixels: Pixels) -> Plane:
    """Y of ITU-R BT.601 in its studio range, 16..235, unrounded: what super-resolution papers measure."""
    y: Plane = 16 + pixels.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255
    return y


def psnr(a: Plane, b: Plane) -> float:
    """Peak signal-to-noise ratio in dB of float arrays of equal shape in grey levels; 100 when they are equal."""
    error = float(np.mean(np.square(a - b)))
    return min(10 * math.log10(PEAK**2 / error), IDENTICAL_DB) if error else IDENTICAL_DB


def ssim(a: Plane, b: Plane) -> float:
    """Structural similarity of two planes [h, w] of at least 11 x 11 grey levels.

    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004:
    11 x 11 Gaussian window of standard deviation 1.5, K1 = 0.01, K2 = 0.03, averaged where the window fits.
    """
    if min(a.shape) < 2 * _RADIUS + 1:
        raise ValueError(f"SSIM needs at least 11 x 11 pixels, got {a.shape[1]} x {a.shape[0]}")
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(similar / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def _blurred(plane: Plane) -> Plane:
    # Two matrix products: BLAS makes this the cheapest separable filter within numpy.
    height, width = plane.shape
    blurred: Plane = _band(height) @ plane @ _band(width).T
    return blurred


@cache
def _band(length: int) -> Plane:
    """[length - 10, length]: each row the Gaussian window, one pixel further on."""
    offsets = np.arange(length)[None, :] - np.arange(length - 2 * _RADIUS)[:, None] - _RADIUS
    window = np.where(np.abs(offsets) <= _RADIUS, np.exp(-(offsets**2) / (2 * _SIGMA**2)), 0.0)
    band: Plane = window / window.sum(axis=1, keepdims=True)
    return band


def _inner(pixels: Pixels, border: int) -> Pixels:
    height, width = pixels.shape[:2]
    return pixels[border : height - border, border : width - border]


def _alike(result: Pixels, reference: Pixels) -> tuple[Pixels, Pixels]:
    if result.shape != reference.shape:
        raise ValueError(f"pictures of unequal shape cannot be compared: {result.shape} and {reference.shape}")
    return result, reference
