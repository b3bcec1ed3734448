"""What Prometheus may know of an engine. Triton's own nv_inference_* durations end with execute(), before the work
begins; these cover the whole life of a job.

Sums and counts are counters, levels are gauges; a mean is one sum over another, e.g. units over batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from darkroom.engine import Engine
from darkroom.engine.job import now

EVERY_S = 0.5

Samples = Mapping[tuple[tuple[str, str], ...], float]
"""Value by labels, beyond task and version."""


class Metric(Protocol):
    """One time series of the server's."""

    def increment(self, value: float) -> None: ...
    def set(self, value: float) -> None: ...


class Registry(Protocol):
    """What makes a time series (Triton, or a fake in tests)."""

    def __call__(self, family: "Family", labels: dict[str, str]) -> Metric: ...


@dataclass(frozen=True)
class Family:
    """One metric family: its name, its help text, and how to read it off an engine."""

    name: str
    help: str
    counter: bool
    read: Callable[[Engine], Samples]


def _one(value: Callable[[Engine], float]) -> Callable[[Engine], Samples]:
    return lambda engine: {(): value(engine)}


def _by(label: str, values: Callable[[Engine], Mapping[str, float]]) -> Callable[[Engine], Samples]:
    return lambda engine: {((label, key),): value for key, value in dict(values(engine)).items()}


FAMILIES = (
    Family(
        "darkroom_jobs_total",
        "Jobs that ended or were refused, by outcome: ok, or the reason as errors have it.",
        True,
        _by("outcome", lambda engine: engine.stats.outcomes),
    ),
    Family("darkroom_queue_seconds_total", "Seconds jobs waited encoded.", True, _one(lambda e: e.stats.queue_s)),
    Family("darkroom_decode_seconds_total", "Seconds of decoding.", True, _one(lambda e: e.stats.decode_s)),
    Family(
        "darkroom_infer_seconds_total",
        "Seconds from decoded to stitched, summed over jobs.",
        True,
        _one(lambda e: e.stats.infer_s),
    ),
    Family("darkroom_encode_seconds_total", "Seconds of encoding.", True, _one(lambda e: e.stats.encode_s)),
    Family(
        "darkroom_units_total",
        "Tiles, faces and steps that ran, by network.",
        True,
        _by("network", lambda engine: engine.stats.units),
    ),
    Family(
        "darkroom_batches_total",
        "Batches that ran, by network.",
        True,
        _by("network", lambda engine: engine.stats.batches),
    ),
    Family(
        "darkroom_guarded_pixels_total",
        "Input pixels for which the fallback was used instead of the network's own, by network.",
        True,
        _by("network", lambda engine: engine.stats.guarded_pixels),
    ),
    Family(
        "darkroom_batch_retries_total",
        "Batches that failed and were run again in parts, by cause: memory, failure.",
        True,
        _by("cause", lambda engine: engine.stats.retries),
    ),
    Family(
        "darkroom_device_busy_seconds_total",
        "Seconds the device computed for this model.",
        True,
        _one(lambda e: e.stats.device_busy_s),
    ),
    Family(
        "darkroom_megapixels_total",
        "Decoded input pixels, in millions.",
        True,
        _one(lambda engine: engine.stats.megapixels),
    ),
    Family("darkroom_input_bytes_total", "Encoded bytes taken in.", True, _one(lambda e: e.stats.bytes_in)),
    Family("darkroom_output_bytes_total", "Encoded bytes given out.", True, _one(lambda e: e.stats.bytes_out)),
    Family(
        "darkroom_promises_total",
        "Answered jobs, by whether the time promised at admission was kept.",
        True,
        _by("kept", lambda e: {"true": e.stats.promises_kept, "false": e.stats.promises_broken}),
    ),
    Family(
        "darkroom_jobs",
        "Jobs in the process, by state.",
        False,
        _by("state", lambda engine: _states(engine)),
    ),
    Family("darkroom_units_waiting", "Units in line for the device.", False, _one(lambda e: e.device.line.length)),
    Family("darkroom_backlog_seconds", "Device seconds admitted and not done.", False, _one(lambda e: e.backlog_s())),
    Family(
        "darkroom_pixel_bytes",
        "Decoded and produced pixels held, bytes.",
        False,
        _one(lambda engine: engine.budget.used_small + engine.budget.used_large),
    ),
)


def _states(engine: Engine) -> dict[str, float]:
    jobs = list(engine.jobs.values())
    return {state: float(sum(job.state == state for job in jobs)) for state in ("waiting", "running")}


class Publisher:
    """Carries an engine's counters over to a registry. Used from one thread."""

    def __init__(self, registry: Registry, task: str, version: str) -> None:
        self._registry = registry
        self._labels = {"task": task, "version": version}
        self._series: dict[tuple[str, Any], tuple[Metric, float]] = {}
        self._due = 0.0

    def publish(self, engine: Engine) -> None:
        """Bring the registry up to date, twice a second."""
        if now() < self._due:
            return
        self._due = now() + EVERY_S
        for family in FAMILIES:
            for labels, value in family.read(engine).items():
                self._update(family, labels, float(value))

    def _update(self, family: Family, labels: tuple[tuple[str, str], ...], value: float) -> None:
        key = (family.name, labels)
        if key not in self._series:
            self._series[key] = (self._registry(family, self._labels | dict(labels)), 0.0)
        metric, last = self._series[key]
        if value == last:
            return
        if family.counter:
            metric.increment(value - last)
        else:
            metric.set(value)
        self._series[key] = (metric, value)
