"""Jobs whose pictures flow through in bands: from a file to a file, with a reader and a writer that are looked at."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from darkroom import codec
from darkroom.codec import Depth, Description, Header, Samples
from darkroom.config import EngineConfig, Limits, NetworkConfig, NetworkRecord, PipelineConfig, TilingConfig
from darkroom.engine import Engine
from darkroom.engine.simulated import nearest
from darkroom.errors import BadImageError, BadOptionError, CancelledError, DarkroomError, DeadlineError
from darkroom.network import Network, Unit
from darkroom.pipelines import denoise, super_resolution, tiled
from darkroom.pipelines.alpha import enlarge
from darkroom.service import Answer, Incoming, Service
from darkroom.version import ModelVersion

TILING = TilingConfig(heights=(48,), widths=(48, 96), halo=4, blend=4, margin=4)


@dataclass
class Nearest:
    """Enlarges by nearest neighbour, guards what is brighter than half, and can be held up."""

    scale: int
    guards: bool = True
    units: int = 0
    dtypes: set[Any] = field(default_factory=set)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def run(self, inputs: Unit) -> Unit:
        assert self.gate.wait(10)
        batch = inputs[0]
        self.units += len(batch)
        self.dtypes.add(batch.dtype)
        output = nearest(batch, self.scale)
        guarded = (batch[..., 0] > np.iinfo(batch.dtype).max // 2).astype(np.uint8)
        return (output, guarded) if self.guards else (output,)

    def close(self) -> None:
        pass


def version_of(task: str, **networks: Nearest) -> ModelVersion:
    loaded = {}
    for name, runner in networks.items():
        bits: Depth = 16 if name.endswith("_16bit") else 8
        sha = f"{bits:02d}" * 32
        record = NetworkRecord(
            file="-", sha256=sha, architecture="-", scale=runner.scale, weights="-", licence="-", bits=bits
        )
        loaded[name] = Network(name, runner, record)
    config = PipelineConfig(networks={name: NetworkConfig(tiling=TILING) for name in networks}, limits=Limits())
    return ModelVersion(task, "7", Path(), config, loaded)


@dataclass
class FakeReader:
    """A picture in memory that is read as a file would be."""

    pixels: Samples
    alpha: Samples | None = None
    fails_at: int = 10**9
    """Row from which on the file is damaged."""
    header: Header = field(init=False)
    description: Description = field(default_factory=lambda: Description("png"))
    report: dict[str, Any] = field(default_factory=lambda: {"frame": 1})
    rows: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        height, width, _ = self.pixels.shape
        self.bits: Depth = 8 if self.pixels.dtype == np.uint8 else 16
        self.header = Header("png", width, height, False, self.alpha is not None, self.bits, banded=True)

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        assert not self.closed
        part = slice(self.rows, self.rows + rows)
        self.rows += rows
        if self.rows > self.fails_at:
            raise BadImageError("The PNG image is damaged: its pixels cannot be read.")
        return self.pixels[part], None if self.alpha is None else self.alpha[part]

    def close(self) -> None:
        self.closed = True


class FakeWriter:
    """Keeps the rows; checks that one call follows the other."""

    def __init__(self, on_write: Callable[[], None] = lambda: None) -> None:
        self.bits: Depth = 8
        self.parts: list[tuple[Samples, Samples | None]] = []
        self.finished = 0
        self._busy = threading.Lock()
        self._on_write = on_write

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        assert self._busy.acquire(blocking=False), "two calls at once"
        self._on_write()
        self.parts.append((pixels.copy(), None if alpha is None else alpha.copy()))
        self._busy.release()

    def finish(self) -> bytes:
        self.finished += 1
        return b"encoded"

    @property
    def rows(self) -> int:
        return sum(len(pixels) for pixels, _ in self.parts)

    @property
    def pixels(self) -> Samples:
        return np.concatenate([pixels for pixels, _ in self.parts])

    @property
    def alpha(self) -> Samples:
        return np.concatenate([alpha for _, alpha in self.parts if alpha is not None])


class Desk:
    """A service whose files are fakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **config: Any) -> None:
        self.engine = Engine(EngineConfig(**({"max_batch": 4} | config)))
        self.engine.start()
        self.readers: list[FakeReader] = []
        self.opened: dict[str, Any] = {}
        self._monkeypatch = monkeypatch

    def serve(
        self,
        pixels: Samples,
        alpha: Samples | None = None,
        *,
        file_bits: Depth | None = None,
        on_write: Callable[[], None] = lambda: None,
        **more: Any,
    ) -> None:
        """The picture that every file holds from now on; `writer` is where results of it go."""
        self.writer = FakeWriter(on_write)
        unopened = [self.writer]
        header = FakeReader(pixels, alpha).header
        header = replace(header, bits=file_bits or header.bits)

        def open_reader(data: bytes, limits: Limits, **options: Any) -> FakeReader:
            self.readers.append(FakeReader(pixels, alpha, **more))
            assert options["bits"] == self.readers[-1].bits
            return self.readers[-1]

        def open_writer(description: Description, width: int, height: int, **options: Any) -> FakeWriter:
            self.opened = {"width": width, "height": height, **options}
            return unopened.pop() if unopened else FakeWriter()  # a job that waited opens its own

        self._monkeypatch.setattr(codec, "read_header", lambda data, limits, **options: header)
        self._monkeypatch.setattr(codec, "open_reader", open_reader)
        self._monkeypatch.setattr(codec, "open_writer", open_writer)

    def ask(self, task: Any, version: ModelVersion, data: bytes = b"file", **parameters: Any) -> "Reply":
        reply = Reply()
        service = Service(task, version, self.engine)
        service.submit(Incoming(data, {"deadline_s": 60.0, **parameters}, id=parameters.pop("id", "")), reply)
        return reply


class Reply:
    def __init__(self) -> None:
        self.answers: list[tuple[Answer | None, DarkroomError | None]] = []
        self._came = threading.Event()

    def __call__(self, answer: Answer | None, error: DarkroomError | None) -> None:
        self.answers.append((answer, error))
        self._came.set()

    @property
    def error(self) -> DarkroomError | None:
        assert self._came.wait(10), "no answer came"
        ((_, error),) = self.answers
        return error

    @property
    def report(self) -> dict[str, Any]:
        assert self.error is None, self.error
        (answer, _) = self.answers[0]
        assert answer is not None
        report: dict[str, Any] = json.loads(answer.report)
        return report


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    opened = Desk(monkeypatch)
    yield opened
    opened.engine.stop(grace_s=0.0)


def picture(height: int, width: int, dtype: Any = np.uint8) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(height).integers(0, top, (height, width, 3), dtype, endpoint=True)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.001)


@pytest.mark.parametrize("read_bytes", [1, 20_000, tiled.READ_BYTES])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [2, 4])
def test_every_pixel_comes_out_however_much_is_read_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, read_bytes: int, dtype: Any, scale: int
) -> None:
    monkeypatch.setattr(tiled, "READ_BYTES", read_bytes)
    pixels = picture(333, 140, dtype)
    alpha = pixels[..., 1].copy()
    desk.serve(pixels, alpha)
    version = version_of(
        "super_resolution", span_x2=Nearest(2), span_x4=Nearest(4), span_x2_16bit=Nearest(2), span_x4_16bit=Nearest(4)
    )
    report = desk.ask(super_resolution.TASK, version, scale=scale).report
    assert desk.writer.finished == 1
    assert desk.writer.pixels.dtype == dtype
    assert np.array_equal(desk.writer.pixels, nearest(pixels[None], scale)[0])
    assert np.array_equal(desk.writer.alpha, enlarge(alpha, scale))
    assert report["network"] == f"span_x{scale}"
    assert report["guarded_pixels"] == np.count_nonzero(pixels[..., 0] > np.iinfo(dtype).max // 2)
    assert report["tiles"] == report["units"]
    assert report["frame"] == 1
    assert desk.engine.stats.guarded_pixels.total() == report["guarded_pixels"]
    assert [reader.closed for reader in desk.readers] == [True]
    assert report.get("bits") == (16 if dtype == np.uint16 else None)


def test_a_network_without_a_guard_says_nothing_of_guarded_pixels(desk: Desk) -> None:
    desk.serve(picture(60, 60))
    report = desk.ask(
        super_resolution.TASK, version_of("super_resolution", span_x2=Nearest(2, guards=False)), scale=2
    ).report
    assert "guarded_pixels" not in report


def test_rows_are_read_only_as_they_are_needed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled, "READ_BYTES", 1)
    ahead: list[int] = []
    desk.serve(picture(3000, 40), on_write=lambda: ahead.append(desk.readers[-1].rows - desk.writer.rows))
    assert desk.ask(denoise.TASK, version_of("denoise", ffdnet_color=Nearest(1)), strength=10).report["units"] > 70
    # a window of two batches of four, the rows that may be open besides, and one that is read meanwhile
    assert max(ahead) <= (8 + tiled.SPARE_ROWS + 2) * 48


def test_a_slow_writer_holds_the_device_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled, "READ_BYTES", 1)
    gate = threading.Event()
    desk.serve(picture(3000, 40), on_write=lambda: gate.wait(10) and None)
    runner = Nearest(1)
    reply = desk.ask(denoise.TASK, version_of("denoise", ffdnet_color=runner), strength=10)
    open_rows = tiled.SPARE_ROWS + 8
    until(lambda: runner.units == open_rows)
    until(lambda: len(desk.engine.jobs) == 1 and desk.engine.device.line.length == 0)
    assert runner.units == open_rows
    gate.set()
    assert reply.report["units"] == runner.units > 70
    assert desk.writer.rows == 3000


def test_damage_further_down_fails_this_job_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled, "READ_BYTES", 1)
    version = version_of("super_resolution", span_x2=Nearest(2))
    desk.serve(picture(900, 40), fails_at=500)
    error = desk.ask(super_resolution.TASK, version, scale=2).error
    assert isinstance(error, BadImageError)
    assert error.message == "The PNG image is damaged: its pixels cannot be read."
    assert desk.writer.finished == 0
    assert [reader.closed for reader in desk.readers] == [True]
    desk.serve(picture(900, 40))
    assert desk.ask(super_resolution.TASK, version, scale=2).report["units"] > 20


def test_a_file_with_fewer_rows_than_it_announces_is_refused(desk: Desk) -> None:
    desk.serve(picture(50, 40))
    monkeypatch_header = replace(FakeReader(picture(50, 40)).header, height=60)
    desk._monkeypatch.setattr(codec, "read_header", lambda data, limits, **options: monkeypatch_header)
    error = desk.ask(super_resolution.TASK, version_of("super_resolution", span_x2=Nearest(2)), scale=2).error
    assert isinstance(error, BadImageError)
    assert "fewer rows than its header announces" in error.message


@pytest.mark.parametrize("how", ["cancel", "deadline"])
def test_a_job_that_is_stopped_closes_its_reader(desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(tiled, "READ_BYTES", 1)
    desk.serve(picture(900, 40))
    runner = Nearest(2)
    runner.gate.clear()
    version = version_of("super_resolution", span_x2=runner)
    reply = desk.ask(super_resolution.TASK, version, scale=2, deadline_s=60.0 if how == "cancel" else 0.3)
    until(lambda: desk.readers and desk.readers[0].rows)
    if how == "cancel":
        desk.engine.cancel(next(iter(desk.engine.jobs)))
    assert isinstance(reply.error, CancelledError if how == "cancel" else DeadlineError)
    assert [reader.closed for reader in desk.readers] == [True]
    runner.gate.set()
    assert desk.writer.finished == 0


def test_a_writer_that_fails_fails_the_job(desk: Desk) -> None:
    def fail() -> None:
        raise MemoryError

    desk.serve(picture(300, 40), on_write=fail)
    error = desk.ask(super_resolution.TASK, version_of("super_resolution", span_x2=Nearest(2)), scale=2).error
    assert error is not None
    assert error.message == "The server has no memory left for this job."


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_noise_is_estimated_alike_in_one_pass_and_in_two(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, dtype: Any
) -> None:
    pixels = picture(301, 90, dtype)
    desk.serve(pixels, pixels[..., 0].copy())
    version = version_of("denoise", ffdnet_color=Nearest(1), ffdnet_color_16bit=Nearest(1))
    once, first = desk.ask(denoise.TASK, version).report, desk.writer
    desk.serve(pixels, pixels[..., 0].copy())
    monkeypatch.setattr(denoise, "HELD_BYTES", 40_000)
    twice = desk.ask(denoise.TASK, version).report
    assert len(desk.readers) == 3
    assert all(reader.closed for reader in desk.readers)
    assert once["strength"] == twice["strength"] > 0
    assert np.array_equal(desk.writer.pixels, first.pixels)
    assert np.array_equal(desk.writer.alpha, pixels[..., 0])


WIDE = {"span_x2": Nearest(2), "span_x2_16bit": Nearest(2)}


def test_units_of_eight_and_sixteen_bits_share_no_batch(desk: Desk) -> None:
    narrow, wide = Nearest(2), Nearest(2)
    version = version_of("super_resolution", span_x2=narrow, span_x2_16bit=wide)
    narrow.gate.clear()
    desk.serve(picture(300, 100))
    first = desk.ask(super_resolution.TASK, version, scale=2)
    until(lambda: desk.readers and desk.readers[0].rows)
    desk.serve(picture(300, 100, np.uint16))
    second = desk.ask(super_resolution.TASK, version, scale=2)
    until(lambda: len(desk.readers) == 2 and desk.readers[1].rows)
    narrow.gate.set()
    assert first.report["units"] == second.report["units"]
    assert (narrow.dtypes, wide.dtypes) == ({np.dtype(np.uint8)}, {np.dtype(np.uint16)})
    assert second.report["bits"] == 16
    assert second.report["sha256"] == "16" * 32
    assert second.report["network"] == "span_x2"


def test_a_version_without_sixteen_bits_answers_in_eight_and_says_so(desk: Desk) -> None:
    version = version_of("super_resolution", span_x2=Nearest(2))
    desk.serve(picture(40, 40), file_bits=16)
    assert desk.ask(super_resolution.TASK, version, scale=2).report["bits"] == 8
    error = desk.ask(super_resolution.TASK, version, scale=2, output_depth=16).error
    assert isinstance(error, BadOptionError)
    assert error.message == (
        'output_depth must be 8 or "same": version 7 of super_resolution does not compute span_x2 in 16 bits.'
    )


@pytest.mark.parametrize("name", ["nothing", "span_x2_16bit", "span_16bit"])
def test_networks_of_sixteen_bits_are_no_choice(desk: Desk, name: str) -> None:
    desk.serve(picture(40, 40))
    error = desk.ask(super_resolution.TASK, version_of("super_resolution", **WIDE), scale=2, network=name).error
    assert isinstance(error, BadOptionError)
    assert error.message == f'network must be one of span, got "{name}".'
    error = desk.ask(
        denoise.TASK, version_of("denoise", ffdnet_color=Nearest(1), ffdnet_color_16bit=Nearest(1)), network=name
    ).error
    assert isinstance(error, BadOptionError)
    assert error.message == f'network must be one of ffdnet_color, got "{name}".'


def price_of(desk: Desk, header: Header, data: bytes = b"", task: Any = denoise.TASK, **options: Any) -> Any:
    version = version_of(task.name, ffdnet_color=Nearest(1), span_x2=Nearest(2))
    service, prices = Service(task, version, desk.engine), []
    desk._monkeypatch.setattr(codec, "read_header", lambda data, limits, **_: header)
    desk._monkeypatch.setattr(desk.engine, "submit", lambda request: prices.append(request.price))
    service.submit(Incoming(data, options), Reply())
    (price,) = prices
    return price


def test_a_large_photograph_is_priced_by_its_window(desk: Desk) -> None:
    header = Header("jpeg", 8000, 6000, False, False, banded=True)
    in_bands = price_of(desk, header)
    assert in_bands.pixel_bytes < 150e6
    assert in_bands.bands > 100
    pixels = 3 * 8000 * 6000
    assert price_of(desk, replace(header, banded=False)).pixel_bytes == in_bands.pixel_bytes + 2 * pixels
    assert price_of(desk, header, b"x" * 1000).pixel_bytes == in_bands.pixel_bytes + 1000
    assert price_of(desk, header, output_format="webp").pixel_bytes > in_bands.pixel_bytes + pixels // 2


def test_noise_of_a_large_photograph_costs_another_decoding(desk: Desk) -> None:
    header = Header("jpeg", 8000, 6000, False, False, banded=True)
    desk.engine.codec_estimates.observe_rate(("decode", "jpeg"), 48e6, 10.0)
    given, estimated = price_of(desk, header, strength=10), price_of(desk, header)
    assert estimated.codec_s - given.codec_s == pytest.approx(10.0)


def test_timings_of_a_picture_of_one_tile_add_up(desk: Desk) -> None:
    buffer = io.BytesIO()
    PIL.Image.fromarray(picture(40, 40)).save(buffer, "PNG")
    started = time.monotonic()
    report = desk.ask(denoise.TASK, version_of("denoise", ffdnet_color=Nearest(1)), buffer.getvalue()).report
    whole_ms = 1000 * (time.monotonic() - started)
    parts = [report[f"{part}_ms"] for part in ("queue", "decode", "infer", "encode")]
    assert all(part >= 0 for part in parts)
    assert 0 < sum(parts) <= whole_ms + 0.2


def test_a_network_of_sixteen_bits_is_priced_by_its_twin_until_it_has_run(desk: Desk) -> None:
    version = version_of("super_resolution", **WIDE)
    Service(super_resolution.TASK, version, desk.engine).warm_up()
    estimates = desk.engine.estimates
    narrow_s, wide_s = (estimates.seconds(version.networks[name], "a shape", 1e6, 1) for name in WIDE)
    assert wide_s == pytest.approx(2 * narrow_s)
    assert WIDE["span_x2_16bit"].units == 0
