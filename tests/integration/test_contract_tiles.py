"""A picture cut into tiles, through the server, against the same network run once over the whole picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from pictures import file_of, photo, pixels_of
from wire import Call, grpc

from darkroom.config import TilingConfig, load_networks, load_pipeline
from darkroom.network import Unit
from darkroom.runners import open_runner
from darkroom.server import Server
from darkroom.tiling import Axis, Grid

PHOTO = photo(310, 300)
"""Larger than the largest tile both ways."""
SMALL = photo(60, 70)


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
    config = load_pipeline(version, cpu=True)
    tiling = config.networks[network].tiling
    assert tiling is not None
    strength = (np.array([options["strength"]], np.float32),) if "strength" in options else ()
    runner = open_runner(version / f"{network}.onnx", load_networks(version)[network], config, gpu=False)
    difference = np.abs(pixels_of(answer.image).astype(int) - whole(runner.run, tiling, scale, strength))
    assert difference.max() <= 1
    # where tiles meet is no different from elsewhere: what is left is rounding
    assert (difference > 0).mean() < 0.05


@pytest.mark.parametrize(
    ("task", "network", "scale", "options"),
    [
        ("super_resolution", "realesrgan_x4plus", 4, {"scale": 4, "network": "realesrgan_x4plus"}),
        ("super_resolution", "span_x4", 4, {"scale": 4}),
        ("super_resolution", "span_x2", 2, {"scale": 2}),
        ("denoise", "ffdnet_color", 1, {"strength": 25.0}),
    ],
)
def test_nobody_sees_in_which_precision_it_was_computed(
    server: Server, repository: Path, task: str, network: str, scale: int, options: dict
) -> None:
    answer = grpc(server, Call(file_of(SMALL), task, options))
    assert answer.report["tiles"] == 1
    version = repository / task / "1"
    tiling = load_pipeline(version, cpu=True).networks[network].tiling
    assert tiling is not None
    strength = (np.array([options["strength"]], np.float32),) if "strength" in options else ()
    session = onnxruntime.InferenceSession(version / f"{network}.onnx", providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(inputs: Unit) -> Unit:
        return tuple(session.run(None, dict(zip(names, inputs, strict=True))))

    error = pixels_of(answer.image) - whole(run, tiling, scale, strength, SMALL)
    assert 10 * np.log10(255**2 / max(1e-9, np.square(error).mean())) >= 50


def whole(
    run: Callable[[Unit], Unit], tiling: TilingConfig, scale: int, extra: Unit, picture: np.ndarray = PHOTO
) -> np.ndarray:
    """The network over the picture with the margin that the tiles saw, mirrored by numpy."""
    height, width, _ = picture.shape
    grid = Grid(height, width, tiling)
    padded = np.pad(picture, [_margins(grid.rows), _margins(grid.columns), (0, 0)], mode="symmetric")
    output, _ = run((padded[None], *extra))
    top, left = grid.rows.before * scale, grid.columns.before * scale
    return output[0, top : top + height * scale, left : left + width * scale].astype(int)


def _margins(axis: Axis) -> tuple[int, int]:
    return axis.before, axis.padded - axis.before - axis.length
