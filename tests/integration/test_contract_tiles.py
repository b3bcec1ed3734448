"""A picture cut into tiles, through the server, against the same network run once over the whole picture."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from pictures import file_of, photo, pixels_of
from wire import Call, grpc

from darkroom.config import TilingConfig, load_pipeline
from darkroom.server import Server
from darkroom.tiling import Axis, Grid

PHOTO = photo(310, 300)
"""Larger than the largest tile both ways."""


@pytest.mark.parametrize(
    ("task", "network", "scale", "options"),
    [
        ("super_resolution", "span_x4", 4, {"scale": 4}),
        ("super_resolution", "span_x2", 2, {"scale": 2}),
        ("denoise", "ffdnet_color", 1, {"strength": 25.0}),
    ],
)
def test_tiles_differ_from_the_whole_by_at_most_one_grey_level(
    server: Server, repository: Path, task: str, network: str, scale: int, options: dict
) -> None:
    answer = grpc(server, Call(file_of(PHOTO), task, options))
    assert answer.report["network"] == network
    assert answer.report["tiles"] >= 4
    version = repository / task / "1"
    tiling = load_pipeline(version, cpu=True).networks[network].tiling
    assert tiling is not None
    extra = {"sigma": np.array([options["strength"]], np.float32)} if "strength" in options else {}
    expected = whole(version / f"{network}.onnx", tiling, scale, extra)
    difference = np.abs(pixels_of(answer.image).astype(int) - expected)
    assert difference.max() <= 1
    # where tiles meet is no different from elsewhere: what is left is rounding
    assert (difference > 0).mean() < 0.05


def whole(path: Path, tiling: TilingConfig, scale: int, extra: dict[str, np.ndarray]) -> np.ndarray:
    """The network over the picture with the margin that the tiles saw, mirrored by numpy."""
    height, width, _ = PHOTO.shape
    grid = Grid(height, width, tiling)
    padded = np.pad(PHOTO, [_margins(grid.rows), _margins(grid.columns), (0, 0)], mode="symmetric")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"image": padded[None], **extra})
    top, left = grid.rows.before * scale, grid.columns.before * scale
    return output[0, top : top + height * scale, left : left + width * scale].astype(int)


def _margins(axis: Axis) -> tuple[int, int]:
    return axis.before, axis.padded - axis.before - axis.length
