"""Arithmetic on boxes: float32 `[n, 4]`, left, top, right, bottom in continuous pixels."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]


def suppress(
    boxes: Boxes,
    scores: Scores,
    threshold: float,
    *,
    over: Literal["union", "smaller"] = "union",
    trim: float = 0.0,
) -> npt.NDArray[np.int64]:
    """Greedy non-maximum suppression: indices of the boxes kept, best score first.

    A box falls when its intersection with a better one exceeds `threshold` times their union, or times the
    `smaller` of the two areas (which also removes a box nested in a larger one). Equal scores keep the order in
    which they came, so the result is deterministic. Widths and heights are measured `trim` pixels short.
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = boxes.T
    area = (right - left - trim) * (bottom - top - trim)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        across = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest]) - trim
        down = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest]) - trim
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        whole = np.minimum(area[best], area[rest]) if over == "smaller" else area[best] + area[rest] - shared
        order = rest[shared <= threshold * whole]
    return np.array(kept, np.int64)


def shift(boxes: Boxes, offsets: npt.NDArray[np.float32], *, trim: float = 0.0) -> Boxes:
    """Move each edge by its predicted offset: float32 `[n, 4]`, in widths (left, right) and heights (top, bottom),
    measured `trim` pixels short."""
    width, height = boxes[:, 2] - boxes[:, 0] - trim, boxes[:, 3] - boxes[:, 1] - trim
    moved: Boxes = boxes + offsets * np.stack([width, height, width, height], axis=1)
    return moved


def square(boxes: Boxes) -> Boxes:
    """Squares of the longer side around the same centres: the networks were trained on square crops."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def outlines(boxes: Boxes, height: int, width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Whole pixels of each box, int64 `[n, 4]`, and which of them are not empty and share a pixel with the picture."""
    edges = np.floor(boxes).astype(np.int64)
    left, top, right, bottom = edges.T
    shown = (np.minimum(right, width) > np.maximum(left, 0)) & (np.minimum(bottom, height) > np.maximum(top, 0))
    return edges, shown
