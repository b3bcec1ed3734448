"""Does the exported network compute what torch computes? onnxruntime against torch, on a real photograph."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from export.errors import ExportError

Arrays = Mapping[str, NDArray[Any]]


def photo(n: int, height: int, width: int) -> NDArray[np.uint8]:
    """`n` crops of scikit-image's photograph of Eileen Collins (NASA): uint8 RGB [n, height, width, 3]; sides
    <= 400."""
    from skimage import data

    picture: NDArray[np.uint8] = data.astronaut()
    # Steps of different length down and right, so that crops of one batch differ in content: face, hair,
    # suit, flag.
    corners = [(53 * i % (512 - height), 31 * (i + 3) % (512 - width)) for i in range(n)]
    return np.stack([picture[y : y + height, x : x + width] for y, x in corners])


def session(path: Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """The network on the CPU; `threads` = 0 takes every core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(
    path: Path,
    reference: Callable[[Arrays], Mapping[str, NDArray[Any]]],
    feeds: Sequence[Arrays],
    *,
    max_abs: float,
    max_mean: float | None = None,
) -> dict[str, Any]:
    """Run every feed (input name -> array) through the ONNX file and through `reference` (outputs by name).

    `max_abs`: largest difference allowed in any element; `max_mean`: largest mean difference allowed in any
    run; both in the outputs' own unit (grey levels for uint8). Returns what was found and what was allowed,
    for `networks.json`. Raises ExportError on a larger difference, another shape or a number that is not
    finite.
    """
    network = session(path)
    names = [output.name for output in network.get_outputs()]
    worst, mean = 0.0, 0.0
    for feed in feeds:
        where = f"{path.name}, for inputs { ({key: value.shape for key, value in feed.items()}) }"
        actual = dict(zip(names, network.run(names, dict(feed)), strict=True))
        for name, expected in reference(feed).items():
            difference = _difference(actual[name], expected, f"{where}: {name}")
            worst, mean = max(worst, float(difference.max())), max(mean, float(difference.mean()))
            if worst > max_abs or (max_mean is not None and mean > max_mean):
                allowed = f"{max_abs:g}" if max_mean is None else f"{max_abs:g} (mean {max_mean:g})"
                raise ExportError(
                    f"{where}: {name} differs between onnxruntime and torch by up to {worst:g} "
                    f"(mean {mean:g}); allowed is {allowed}."
                )
    return {"runs": len(feeds), "max_abs": worst, "max_mean": mean, "allowed_max_abs": max_abs}


def _difference(actual: NDArray[Any], expected: NDArray[Any], what: str) -> NDArray[np.float64]:
    if actual.shape != expected.shape:
        raise ExportError(f"{what} has shape {actual.shape} in onnxruntime, {expected.shape} in torch.")
    difference: NDArray[np.float64] = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    if not np.isfinite(difference).all():
        raise ExportError(f"{what} holds numbers that are not finite.")
    return difference


def batch_invariance(path: Path, feed: Arrays) -> None:
    """Each item of the batch `feed` must give the same bytes alone. Raises ExportError."""
    network = session(path)
    together = network.run(None, dict(feed))
    for index in range(len(next(iter(feed.values())))):
        alone = network.run(None, {name: value[index : index + 1] for name, value in feed.items()})
        for output, one, many in zip(network.get_outputs(), alone, together, strict=True):
            if not np.array_equal(one[0], many[index]):
                what = f"{path.name}: {output.name} of item {index}"
                raise ExportError(f"{what} depends on the rest of its batch.")
