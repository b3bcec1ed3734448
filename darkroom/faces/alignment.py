"""From five landmarks to the crop that a restoration network was trained on."""

import math

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
"""float64 `[2, 3]`: continuous pixels in, continuous pixels out, out = matrix[:, :2] @ in + matrix[:, 2]."""

Points = npt.NDArray[np.float32] | npt.NDArray[np.float64]

FFHQ_512 = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.19360],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
"""Mean places of eyes, nose and mouth corners in the aligned 512 x 512 faces of the FFHQ data set, on which the
published 512 networks (GFPGAN, CodeFormer, RestoreFormer) were trained."""


def template(side: int) -> npt.NDArray[np.float64]:
    """The FFHQ landmarks in a crop of `side` pixels: float64 `[5, 2]`."""
    return FFHQ_512 * (side / 512)


def similarity(source: Points, target: Points) -> Matrix:
    """The rotation, uniform scale and shift that bring `source` nearest to `target` (both `[n, 2]`), never mirrored.

    Least squares, closed form: S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", 1991. Raises ValueError where all source points coincide, since no scale fits them.
    """
    source, target = source.astype(np.float64), target.astype(np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    spread = (centred**2).sum() / len(source)
    if not np.isfinite(spread) or spread < 1e-9:
        raise ValueError("The source points coincide: no similarity transform is defined.")
    u, singular, vt = np.linalg.svd((target - target_mean).T @ centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    linear = rotation * ((singular * signs).sum() / spread)
    return np.column_stack([linear, target_mean - linear @ source_mean])


def to_crop(landmarks: Points, side: int) -> Matrix:
    """Picture -> aligned crop of `side` x `side` pixels, from landmarks `[5, 2]` in picture pixels."""
    return similarity(landmarks, template(side))


def turn(landmarks: Points) -> float:
    """Degrees by which the face with these landmarks `[5, 2]` is turned clockwise, above -180 and at most 180."""
    linear = to_crop(landmarks, 1)[:, :2]
    degrees = math.degrees(math.atan2(-linear[1, 0], linear[0, 0]))
    return 180.0 if degrees <= -180 else degrees


def invert(matrix: Matrix) -> Matrix:
    """The transform that undoes `matrix`."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def scaled(matrix: Matrix, before: float = 1.0, after: float = 1.0) -> Matrix:
    """The same transform for a picture `before` times, and a crop `after` times as large."""
    return np.column_stack([matrix[:, :2] * (after / before), matrix[:, 2] * after])


def corners(matrix: Matrix, side: int) -> npt.NDArray[np.float64]:
    """Where the crop's corners lie in the picture: float64 `[4, 2]`, for a picture -> crop `matrix`."""
    back = invert(matrix)
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    outline: npt.NDArray[np.float64] = square @ back[:, :2].T + back[:, 2]
    return outline


def magnification(matrix: Matrix) -> float:
    """Output pixels per input pixel of a similarity, along one side."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
