"""From bytes to an answer without Triton: a task over a fake network, through the real codec and engine."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from darkroom.config import EngineConfig, Limits, NetworkConfig, NetworkRecord, PipelineConfig, TilingConfig
from darkroom.engine import Engine
from darkroom.engine.faults import Faults
from darkroom.engine.simulated import SimulatedRunner, Simulation, nearest
from darkroom.errors import BadImageError, BadOptionError, DarkroomError
from darkroom.metrics import Family, Publisher
from darkroom.network import Network
from darkroom.noise import estimate_sigma
from darkroom.pipelines import denoise, super_resolution
from darkroom.pipelines.tiled import block_mean
from darkroom.service import Answer, Incoming, Service
from darkroom.version import ModelVersion

TILING = TilingConfig(heights=(48, 96), widths=(48, 96), halo=4, blend=4, margin=4)


def version_of(task: str, networks: dict[str, int]) -> ModelVersion:
    """A version whose networks enlarge by nearest neighbour, `networks` being their scales."""
    loaded = {}
    for name, scale in networks.items():
        record = NetworkRecord(
            file="-", sha256="5" * 64, architecture="-", scale=scale, weights="nearest neighbour", licence="-"
        )
        loaded[name] = Network(name, SimulatedRunner(Simulation(0.0, 1e-5), record), record)
    config = PipelineConfig(
        networks={name: NetworkConfig(tiling=TILING) for name in networks},
        limits=Limits(max_pixels=1_000_000, max_output_pixels=2_000_000),
    )
    return ModelVersion(task, "7", Path(), config, loaded)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Answer | None, DarkroomError | None]]]:
    engines: list[Engine] = []

    def run(task: Any, version: ModelVersion, data: bytes, **parameters: Any) -> tuple[Any, Any]:
        engine = Engine(EngineConfig(max_batch=8))
        engine.start()
        engines.append(engine)
        service = Service(task, version, engine)
        service.warm_up()
        replies: list[tuple[Any, Any]] = []
        service.submit(Incoming(data, parameters), lambda answer, error: replies.append((answer, error)))
        engine.stop(grace_s=10.0)
        assert len(replies) == 1
        return replies[0]

    yield run
    for engine in engines:
        engine.stop(grace_s=0.0)


def file_of(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(data)))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


SR = {"span_x2": 2, "span_x4": 4, "realesrgan_x4plus": 4}


@pytest.mark.parametrize("scale", [2, 4])
def test_super_resolution_enlarges_every_pixel(serve: Any, scale: int) -> None:
    image = noise(130, 101, 3)
    answer, error = serve(super_resolution.TASK, version_of("super_resolution", SR), file_of(image), scale=scale)
    assert error is None
    assert np.array_equal(pixels_of(answer.image), nearest(image[None], scale)[0])
    report = json.loads(answer.report)
    assert report["task"] == "super_resolution"
    assert report["version"] == "7"
    assert report["network"] == f"span_x{scale}"
    assert report["sha256"] == "5" * 64
    assert report["weights"] == "nearest neighbour"
    assert report["tiles"] == report["units"] > 1
    assert report["batches"] >= 1
    assert {"queue_ms", "decode_ms", "infer_ms", "encode_ms"} <= set(report)


def test_a_network_that_enlarges_too_much_is_averaged_down(serve: Any) -> None:
    image = noise(60, 70, 3)
    options = {"scale": 2, "network": "realesrgan_x4plus"}
    answer, _ = serve(super_resolution.TASK, version_of("super_resolution", SR), file_of(image), **options)
    assert np.array_equal(pixels_of(answer.image), nearest(image[None], 2)[0])


def test_alpha_and_grey_survive(serve: Any) -> None:
    rgba = noise(40, 40, 4)
    rgba[..., 3] |= 1  # hidden pixels would lose their colours
    answer, _ = serve(super_resolution.TASK, version_of("super_resolution", SR), file_of(rgba), scale=2)
    result = pixels_of(answer.image)
    assert result.shape == (80, 80, 4)
    assert np.array_equal(result[..., :3], nearest(rgba[None, ..., :3], 2)[0])
    grey, _ = serve(denoise.TASK, version_of("denoise", {"ffdnet_color": 1}), file_of(noise(40, 40)))
    assert pixels_of(grey.image).shape == (40, 40)


def test_denoise_says_what_it_estimated(serve: Any) -> None:
    image = np.clip(128 + np.random.default_rng(0).normal(0, 20, (128, 128, 3)), 0, 255).astype(np.uint8)
    answer, _ = serve(denoise.TASK, version_of("denoise", {"ffdnet_color": 1}), file_of(image))
    assert json.loads(answer.report)["strength"] == pytest.approx(20, abs=1.0)


def test_a_quote_is_a_report_without_a_picture(serve: Any) -> None:
    answer, _ = serve(
        super_resolution.TASK, version_of("super_resolution", SR), file_of(noise(300, 300, 3)), quote=True
    )
    report = json.loads(answer.report)
    assert answer.image == b""
    assert report["units"] > 4
    assert report["done_in_s"] >= report["work_s"] > 0


@pytest.mark.parametrize(
    ("data", "options", "kind", "words"),
    [
        (b"", {}, BadImageError, "empty"),
        (b"hello", {}, BadImageError, "not an image"),
        (file_of(noise(8, 8, 3)), {"scale": 5}, BadOptionError, "2 or 4"),
        (file_of(noise(8, 8, 3)), {"network": "x"}, BadOptionError, "network must be one of"),
        (file_of(noise(900, 900, 3)), {}, BadOptionError, "3600 x 3600 pixels, 12960000 in all; at most 2000000"),
        (file_of(np.zeros((1100, 1000), np.uint8)), {}, BadImageError, "at most 1000000"),
    ],
)
def test_what_is_wrong_is_said(serve: Any, data: bytes, options: dict[str, Any], kind: type, words: str) -> None:
    answer, error = serve(super_resolution.TASK, version_of("super_resolution", SR), data, **options)
    assert answer is None
    assert isinstance(error, kind)
    assert words in error.message


@pytest.mark.parametrize("sigma", [0, 5, 15, 25, 50])
def test_noise_is_estimated_on_a_smooth_picture(sigma: int) -> None:
    ramp = np.linspace(60, 190, 256)[None, :, None] * np.ones((256, 1, 3))
    noisy = np.clip(np.round(ramp + np.random.default_rng(sigma).normal(0, sigma, ramp.shape)), 0, 255)
    assert estimate_sigma(noisy.astype(np.uint8)) == pytest.approx(sigma, rel=0.1, abs=0.8)


def test_noise_of_the_smallest_pictures_is_none() -> None:
    assert estimate_sigma(np.zeros((1, 1, 3), np.uint8)) == 0.0


def test_block_mean_rounds() -> None:
    blocks = np.array([[[0], [1]], [[1], [0]]], np.uint8)
    assert block_mean(blocks, 2)[0, 0, 0] == 1
    assert np.array_equal(block_mean(nearest(noise(1, 6, 5, 3), 3)[0], 3), noise(1, 6, 5, 3)[0])


class FakeMetric:
    def __init__(self) -> None:
        self.value = 0.0

    def increment(self, value: float) -> None:
        assert value > 0
        self.value += value

    def set(self, value: float) -> None:
        self.value = value


def test_metrics_add_up() -> None:
    series: dict[tuple[str, str], FakeMetric] = {}

    def registry(family: Family, labels: dict[str, str]) -> FakeMetric:
        return series.setdefault((family.name, labels.get("outcome", labels.get("network", ""))), FakeMetric())

    engine = Engine(EngineConfig())
    publisher = Publisher(registry, "denoise", "1")
    engine.stats.batch("ffdnet_color", 8, 0.5)
    engine.stats.refuse(BadOptionError("no"))
    publisher.publish(engine)
    engine.stats.batch("ffdnet_color", 4, 0.25)
    publisher._due = 0.0
    publisher.publish(engine)
    assert series["darkroom_units_total", "ffdnet_color"].value == 12
    assert series["darkroom_batches_total", "ffdnet_color"].value == 2
    assert series["darkroom_device_busy_seconds_total", ""].value == 0.75
    assert series["darkroom_jobs_total", "bad_option"].value == 1


def test_an_id_longer_than_the_board_should_show_is_refused() -> None:
    engine = Engine(EngineConfig())
    replies: list[Any] = []
    service = Service(denoise.TASK, version_of("denoise", {"ffdnet_color": 1}), engine)
    service.submit(Incoming(file_of(noise(8, 8, 3)), {}, id="x" * 257), lambda answer, error: replies.append(error))
    assert [error.message for error in replies] == ["The id of a request has at most 256 characters, got 257."]
    assert engine.stats.outcomes == {"bad_option": 1}


def test_a_warm_up_that_does_not_fit_lowers_the_batch_instead_of_failing() -> None:
    record = NetworkRecord(file="-", sha256="5" * 64, architecture="-", weights="-", licence="-")
    short = SimulatedRunner(Simulation(0.0, 1e-6, faults=Faults(oom=6)), record)
    net = Network("ffdnet_color", short, record, max_batch=32)
    config = PipelineConfig(networks={"ffdnet_color": NetworkConfig(tiling=TILING)})
    version = ModelVersion("denoise", "7", Path(), config, {"ffdnet_color": net}, simulated=True)
    engine = Engine(config.engine)
    Service(denoise.TASK, version, engine).warm_up()
    ((_, unit), *_) = denoise.TASK.warm_up(version)
    assert engine.device.batch_limit(net, unit[0].shape) == 16
