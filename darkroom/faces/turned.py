"""Faces that lie on their side or upside down: the detection networks know upright ones only, so the picture is turned,
and what they find is turned back."""

from collections.abc import Sequence

import cv2
import numpy as np

from darkroom.faces import boxes as box
from darkroom.faces.area import Pixels
from darkroom.faces.detection import Face, Floats

ANGLES = (90, 180, 270)
"""Degrees clockwise by which the picture's faces may be turned."""
SCORE = 0.97
"""A turned find needs a better score than an upright one: three more looks at a picture without faces are three more
chances to see one where none is. Turned faces of `perf.composites` score at least 0.978; on 40 photographs and
textures without faces no turned find reached 0.5."""
SURE = 0.99
"""Upright finds that all score less may be turned faces, seen the wrong way up (0.91 to 0.989 where that happened)."""
LEAN = 45.0
"""Degrees by which a find may lean in the turned picture. One that leans more was nearer to another angle."""
COARSE_SIDE = 480
"""The shorter side of what is searched for turned faces first, pixels: the price of a large picture without faces stays
that of a small one."""
OVERLAP = 0.5
"""Of the smaller box, above which two finds at different angles are one face."""


def coarse(pixels: Pixels) -> tuple[Pixels, float]:
    """uint8 `[h, w, 3]` shrunk so that its shorter side is at most COARSE_SIDE, and its pixels per picture pixel."""
    height, width, _ = pixels.shape
    scale = min(1.0, COARSE_SIDE / min(height, width))
    if scale == 1.0:
        return pixels, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def upright(pixels: Pixels, angle: int) -> Pixels:
    """A view of the picture in which faces turned clockwise by `angle` (a multiple of 90) are upright."""
    return np.rot90(pixels, angle // 90)


def turn_back(face: Face, angle: int, height: int, width: int) -> Face:
    """A face found in `upright(pixels, angle)`, in the coordinates of `pixels`, which has `height` x `width` pixels."""
    first, last = _back(face.box.reshape(2, 2), angle, height, width)
    outline = np.concatenate([np.minimum(first, last), np.maximum(first, last)])
    return Face(outline, _back(face.landmarks, angle, height, width), face.score)


def convincing(faces: Sequence[Face]) -> list[Face]:
    """Those of the faces found in one turned picture that can be believed."""
    return [face for face in faces if face.score >= SCORE and abs(face.angle) <= LEAN]


def distinct(faces: Sequence[Face]) -> list[Face]:
    """One find for each face, where several angles found the same: the one with the best score."""
    if not faces:
        return []
    boxes, scores = np.stack([face.box for face in faces]), np.array([face.score for face in faces], np.float32)
    return [faces[index] for index in box.suppress(boxes, scores, OVERLAP, over="smaller")]


def _back(points: Floats, angle: int, height: int, width: int) -> Floats:
    x, y = points[:, 0], points[:, 1]
    columns = {90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}[angle]
    placed: Floats = np.stack(columns, axis=1).astype(np.float32)
    return placed
