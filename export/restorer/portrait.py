"""A face to try restorers on: Eileen Collins (NASA, public domain, carried by scikit-image), aligned and worn down."""

import io

import cv2
import numpy as np
import PIL.Image

from darkroom.faces import alignment
from darkroom.faces.area import Pixels
from darkroom.faces.warp import warp

LANDMARKS = np.array([[205.01, 101.73], [246.76, 103.71], [224.67, 128.96], [201.72, 139.25], [245.27, 141.86]])
"""Of the face in the photograph, continuous pixels, as facenet-pytorch's MTCNN finds them."""


def photograph() -> Pixels:
    """uint8 RGB `[512, 512, 3]`."""
    from skimage import data

    picture: Pixels = data.astronaut()
    return picture


def worn(picture: Pixels, *, blur: float = 1.2, noise: float = 12.0, quality: int = 40) -> Pixels:
    """`picture` after a Gaussian blur (standard deviation in pixels), Gaussian noise (in grey levels, always the
    same) and JPEG."""
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), blur)
    grainy = soft + np.random.default_rng(0).normal(0, noise, picture.shape)
    file = io.BytesIO()
    PIL.Image.fromarray(np.rint(np.clip(grainy, 0, 255)).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file).convert("RGB"))


def face(picture: Pixels, side: int) -> Pixels:
    """The aligned face of (a worn copy of) the photograph: uint8 `[side, side, 3]`."""
    return warp(picture, alignment.to_crop(LANDMARKS, side), side, side)


def quality(found: Pixels, wanted: Pixels) -> dict[str, float]:
    """PSNR in dB and SSIM of two uint8 pictures of one size, RGB."""
    from skimage.metrics import structural_similarity

    error = np.mean((found.astype(np.float64) - wanted) ** 2)
    return {
        "psnr_db": round(float(10 * np.log10(255**2 / max(error, 1e-9))), 3),
        "ssim": round(float(structural_similarity(found, wanted, channel_axis=2)), 4),
    }
