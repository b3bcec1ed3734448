"""What the three networks of MTCNN answer, turned into boxes, landmarks and faces.

Method: K. Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016.
P-Net proposes boxes at every place and size, R-Net throws most of them out, O-Net judges the rest and places five
landmarks. Each stage moves the box edges by offsets it predicts and makes the box square for the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkroom.faces import alignment
from darkroom.faces import boxes as box
from darkroom.faces.area import AreaSampler, Means
from darkroom.faces.boxes import Boxes, Scores
from darkroom.faces.pyramid import CELL, STRIDE, Tile

Floats = npt.NDArray[np.float32]

SAME_LEVEL_OVERLAP = 0.5
"""Intersection over union above which two proposals of one level count as one."""
OVERLAP = 0.7
"""The same between levels, and after each later stage."""
TRIM = 1.0
"""Boxes are compared, and proposals moved, by the distance from their first to their last pixel: one short of their
width. The weights were tuned with this; landmarks move by up to 2 pixels without it."""
LEVEL_PROPOSALS = 4000
"""Best proposals kept of one level: bounds the work that noise can cause."""
MIN_SPREAD = 1.0
"""Pixels; landmarks closer together than this span no face, and no transform can be fitted to them."""


@dataclass(frozen=True)
class Candidates:
    """Square boxes that the next network judges, best first, and the score they had so far (0-1)."""

    boxes: Boxes
    scores: Scores

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Face:
    """One face, in continuous pixels of the picture; parts may lie outside of it."""

    box: Floats
    """float32 `[4]`: left, top, right, bottom."""
    landmarks: Floats
    """float32 `[5, 2]`, x and y: the eyes, the tip of the nose, the corners of the mouth; left before right as seen
    by the viewer."""
    score: float
    """O-Net's probability, 0-1."""

    @property
    def area(self) -> float:
        """Of the box, square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))

    @property
    def angle(self) -> float:
        """Degrees by which the face is turned clockwise from upright, above -180 and at most 180."""
        return alignment.turn(self.landmarks)

    def report(self) -> dict[str, object]:
        """`{box, landmarks, score, angle}` in plain numbers, rounded to a hundredth of a pixel and a tenth of a
        degree."""
        return {
            "box": [round(float(value), 2) for value in self.box],
            "landmarks": [[round(float(x), 2), round(float(y), 2)] for x, y in self.landmarks],
            "score": round(self.score, 5),
            "angle": round(self.angle, 1) + 0.0,  # never -0.0
        }


def proposals(
    tiles: Sequence[Tile], answers: Sequence[tuple[Floats, Floats]], threshold: float, limit: int
) -> Candidates:
    """P-Net's answers -> candidates of the whole picture.

    `answers`, one for each tile: scores float32 `[rows, columns]` and offsets float32 `[rows, columns, 4]`.
    At most the `limit` best are returned.
    """
    per_level: dict[float, list[tuple[Boxes, Scores, Floats]]] = {}
    for tile, (scores, offsets) in zip(tiles, answers, strict=True):
        per_level.setdefault(tile.level.scale, []).append(_read_tile(tile, scores, offsets, threshold))
    kept = []
    for parts in per_level.values():
        level = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        best = np.argsort(-level[1], kind="stable")[:LEVEL_PROPOSALS]
        level = [column[best] for column in level]
        kept.append([column[box.suppress(level[0], level[1], SAME_LEVEL_OVERLAP, trim=TRIM)] for column in level])
    if not kept:
        return _none()
    boxes, scores, offsets = (np.concatenate(columns) for columns in zip(*kept, strict=True))
    index = box.suppress(boxes, scores, OVERLAP, trim=TRIM)[:limit]
    return Candidates(box.square(box.shift(boxes[index], offsets[index], trim=TRIM)), scores[index])


def crops(picture: AreaSampler, candidates: Candidates, side: int) -> tuple[Candidates, list[Means]]:
    """What the next network looks at: each box, float32 `[side, side, 3]`, 0-255, and the candidates it belongs to
    (those wholly outside the picture are gone).

    A box that leaves the picture sees the edge pixels repeated. Implementations that cut such a box to what is there
    and stretch it misplace the landmarks of a cut-off face by 3 to 45 pixels; this way it is 1 to 3.
    """
    edges, shown = box.outlines(candidates.boxes, picture.height, picture.width)
    cut = [picture.crop(left, top, right, bottom, side, side) for left, top, right, bottom in edges[shown].tolist()]
    return Candidates(candidates.boxes[shown], candidates.scores[shown]), cut


def refine(candidates: Candidates, scores: Scores, offsets: Floats, threshold: float) -> Candidates:
    """R-Net's answers (scores float32 `[n]`, offsets float32 `[n, 4]`) -> the candidates that survive, moved."""
    keep = scores > threshold
    boxes, scores, offsets = candidates.boxes[keep], scores[keep], offsets[keep]
    index = box.suppress(boxes, scores, OVERLAP, trim=TRIM)
    return Candidates(box.square(box.shift(boxes[index], offsets[index])), scores[index])


def faces(candidates: Candidates, scores: Scores, offsets: Floats, landmarks: Floats, threshold: float) -> list[Face]:
    """O-Net's answers -> faces, best score first.

    `scores` float32 `[n]`; `offsets` float32 `[n, 4]`; `landmarks` float32 `[n, 5, 2]`, in box widths and heights
    from the box's left top corner.
    """
    keep = scores > threshold
    boxes, scores = candidates.boxes[keep], scores[keep]
    points = boxes[:, None, :2] + landmarks[keep] * (boxes[:, None, 2:] - boxes[:, None, :2])
    boxes = box.shift(boxes, offsets[keep])
    index = box.suppress(boxes, scores, OVERLAP, over="smaller")
    return [Face(boxes[i], points[i], float(scores[i])) for i in index if _spread(points[i]) > MIN_SPREAD]


def choose(found: Sequence[Face], min_face: float, max_faces: int) -> list[Face]:
    """The largest `max_faces` faces whose box's longer side reaches `min_face` pixels, in reading order (top, then
    left), so that the report does not depend on scores that are equal but for noise."""
    large = [face for face in found if (face.box[2:] - face.box[:2]).max() >= min_face]
    large.sort(key=lambda face: (-face.area, *face.box.tolist()))
    return sorted(large[:max_faces], key=lambda face: (float(face.box[1]), float(face.box[0])))


def _read_tile(tile: Tile, scores: Scores, offsets: Floats, threshold: float) -> tuple[Boxes, Scores, Floats]:
    rows, columns = np.nonzero(scores[: tile.rows, : tile.columns] >= threshold)
    place = np.stack([columns + tile.column, rows + tile.row], axis=1).astype(np.float32) * STRIDE
    # The weights were trained with corners cut to whole pixels, counted from 1, the last one inside the box.
    first = np.floor((place + 1) / tile.level.scale)
    last = np.floor((place + CELL) / tile.level.scale)
    boxes = np.concatenate([first - 1, last], axis=1).astype(np.float32)
    return boxes, scores[rows, columns], offsets[rows, columns]


def _spread(points: Floats) -> float:
    """Root mean square distance of the landmarks from their middle, pixels; NaN where one is not a number."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _none() -> Candidates:
    return Candidates(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
