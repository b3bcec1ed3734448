"""A new task from the template: auto-contrast, served by a real server, in under 60 lines of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pictures import file_of, opened, photo, pixels_of
from wire import Call, RefusedError, grpc, raw

from darkroom.server import Server
from export import new

AUTO_CONTRAST = '''
"""Auto-contrast: every channel stretched, so that its darkest and lightest pixels become black and white."""

import numpy as np
from pydantic import Field

from darkroom.codec import Header, Image
from darkroom.engine import Job
from darkroom.options import Options
from darkroom.pipelines.task import Estimate, Task
from darkroom.pipelines.tiled import with_pixels
from darkroom.tiling import Pixels
from darkroom.triton import TaskModel
from darkroom.version import ModelVersion


class AutoContrastOptions(Options):
    """Options of `auto_contrast`."""

    cutoff: float = Field(0.0, ge=0, lt=50, description="a number from 0 to below 50, percent of the pixels")
    """Left out at either end."""


def estimate(version: ModelVersion, header: Header, options: AutoContrastOptions) -> Estimate:
    return Estimate((), header.width, header.height)


async def run(job: Job, version: ModelVersion, image: Image, options: AutoContrastOptions) -> Image:
    job.report["cutoff"] = options.cutoff
    pixels = await job.in_pool(stretch, image.pixels, options.cutoff)
    return with_pixels(image, pixels, image.alpha)


def stretch(pixels: Pixels, cutoff: float) -> Pixels:
    low, high = np.percentile(pixels, (cutoff, 100 - cutoff), axis=(0, 1))
    spread = np.maximum(high - low, 1)
    return np.clip(np.rint((pixels - low) * (255 / spread)), 0, 255).astype(np.uint8)


TASK = Task("auto_contrast", AutoContrastOptions, estimate, run)


class TritonPythonModel(TaskModel):
    task = TASK
'''.lstrip()
MOST_LINES = 60


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The model folder as the template writes it, with another model.py."""
    folder = tmp_path_factory.mktemp("models")
    new.write("auto_contrast", folder)
    (folder / "auto_contrast" / "1" / "model.py").write_text(AUTO_CONTRAST)
    with Server(folder, config_name="cpu") as running:
        yield running


@pytest.fixture(scope="module")
def pale() -> np.ndarray:
    """A photograph that uses half of the grey levels."""
    return (photo(120, 80) // 2 + 60).astype(np.uint8)


def call(pixels: np.ndarray, kind: str = "PNG", **options: object) -> Call:
    return Call(file_of(pixels, kind), "auto_contrast", options=options)


def test_it_takes_less_than_sixty_lines() -> None:
    assert len(AUTO_CONTRAST.splitlines()) < MOST_LINES


def test_it_serves_with_a_report(serving: Server, pale: np.ndarray) -> None:
    answer = grpc(serving, call(pale, cutoff=1))
    found = pixels_of(answer.image)
    assert found.shape == pale.shape
    assert (found.min(), found.max()) == (0, 255)
    assert found.std() > 1.5 * pale.std()
    assert {"task": "auto_contrast", "version": "1", "cutoff": 1.0, "units": 0}.items() <= answer.report.items()


def test_it_quotes(serving: Server, pale: np.ndarray) -> None:
    answer = grpc(serving, call(pale, quote=True))
    assert answer.shape == (1, 0)
    assert answer.report["units"] == 0
    assert answer.report["done_in_s"] < 5


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "BMP", "GIF"])
def test_it_reads_every_format_and_writes_what_is_asked_for(serving: Server, pale: np.ndarray, kind: str) -> None:
    assert opened(grpc(serving, call(pale, kind, output_format="webp")).image).format == "WEBP"
    same = opened(raw(serving, call(pale, kind)).image)
    assert same.format == ("PNG" if kind in ("BMP", "GIF") else kind)
    assert same.size == (120, 80)


def test_a_wrong_option_is_named(serving: Server, pale: np.ndarray) -> None:
    with pytest.raises(RefusedError, match="cutoff must be a number from 0 to below 50, percent of the pixels, got 50"):
        grpc(serving, call(pale, cutoff=50))


def test_the_template_serves_as_it_stands(tmp_path: Path, pale: np.ndarray) -> None:
    new.write("contrast", tmp_path)
    with Server(tmp_path, config_name="cpu", exit_timeout_s=1) as server:
        answer = grpc(server, Call(file_of(pale), "contrast", options={"amount": 1.0}))
        assert np.array_equal(pixels_of(answer.image), pale)
        stronger = pixels_of(grpc(server, Call(file_of(pale), "contrast", options={"amount": 2})).image)
    assert stronger.std() > pale.std()
    assert json.loads((tmp_path / "contrast" / "1" / "pipeline.json").read_text())["networks"] == {}
