"""Half an hour at 80 % of what the server can do: does anything grow?

Simulated device, 40 ms a batch and 2 ms a unit; super-resolution and denoising of JPEG, PNG and WebP photos from 96 to
1000 pixels, Poisson arrivals in an open loop. Memory is what the whole server tree has for itself (private pages, and
shared memory), sampled every two seconds; its growth is the slope of a line through the samples from minute 5 to the
end, times that span, over their median. Medians of windows and the memory at rest stand beside it. Shorter runs warm up
for a sixth of their time.
"""

import argparse
import asyncio
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from darkroom.server import Server
from perf.harness import own_bytes, percentile, report, server
from perf.load import Outcome, Shot, closed_loop, open_loop, photo, poisson
from perf.overload import SIMULATE

SHARE = 0.8
WARM_S = 300.0
WINDOW_S = 300.0
SAMPLE_S = 2.0
SETTLED_S = 4.0
_SIZES = ((96, 96), (128, 96), (192, 256), (256, 256), (384, 288), (384, 384))
_LARGE = (1000, 750)
_LARGE_SHARE = 0.02
_KINDS = (("JPEG", "jpeg"), ("JPEG", "webp"), ("PNG", "png"), ("WEBP", "jpeg"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=SHARE, help="offered load over capacity")
    parser.add_argument("--capacity-jobs", type=int, default=1500, help="how many measure the capacity")
    arguments = parser.parse_args()
    random.seed(11)
    seconds = 60 * arguments.minutes
    warm_s, window_s = min(WARM_S, seconds / 6), min(WINDOW_S, seconds / 6)
    with server(["super_resolution", "denoise"], SIMULATE) as running:
        capacity = _capacity(running.grpc_url, arguments.capacity_jobs)
        shots = [_shot(at_s) for at_s in poisson(arguments.share * capacity, seconds, seed=12)]
        before = _Rest.of(running)
        memory = _Memory(running)
        outcomes = asyncio.run(open_loop(running.grpc_url, shots))
        times, sizes = memory.stop()
        after = _Rest.of(running)
    ok = [outcome for outcome in outcomes if outcome.reason == "ok"]
    late = times >= warm_s
    small, large = ([o for o in ok if o.shot.kind == size] for size in ("small", "large"))
    slowest = [percentile([o.seconds for o in window], 99) for window in _windows(small, window_s, seconds)]
    medians = [float(np.median(sizes[(times >= at) & (times < at + window_s)])) for at in (warm_s, seconds - window_s)]
    rows = [
        _row("capacity, 32 callers in a closed loop (jobs/s)", capacity),
        _row("offered (jobs/s)", len(shots) / seconds),
        _row("jobs", len(shots)),
        _row("errors and refusals", len(outcomes) - len(ok), "0"),
        _row("answer, p50 (s)", percentile([o.seconds for o in ok], 50)),
        *(_row(f"small photos: p99 of window {number} (s)", p99, "flat") for number, p99 in enumerate(slowest, 1)),
        _row("large photos (2 %): p50 (s)", percentile([o.seconds for o in large], 50)),
        _row("large photos (2 %): p99 (s)", percentile([o.seconds for o in large], 99)),
        _row("memory under load, median (MiB)", float(np.median(sizes[late])) / 2**20),
        _row("growth, line through the samples (%)", 100 * _growth(times[late], sizes[late]), "< 2"),
        _row("growth, last window's median over the first's (%)", 100 * (medians[1] / medians[0] - 1)),
        _row("memory at rest before (MiB)", before.memory / 2**20),
        _row("memory at rest after (MiB)", after.memory / 2**20),
        _row("files in the run's directory and shared memory, gained", len(after.files - before.files), "0"),
        _row("open files of all processes, gained", after.handles - before.handles, "0"),
        _row("threads of all processes, gained", after.threads - before.threads, "0"),
    ]
    samples = [[round(float(at), 1), int(size)] for at, size in zip(times, sizes, strict=True)]
    left = sorted(after.files - before.files)
    errors = sorted({outcome.error[:200] for outcome in outcomes if outcome.reason != "ok"})
    report("soak", rows, minutes=arguments.minutes, window_s=window_s, left=left, errors=errors[:20], samples=samples)


@dataclass(frozen=True)
class _Rest:
    """What a server holds while it has nothing to do."""

    memory: int
    """Bytes of the whole tree."""
    files: frozenset[str]
    handles: int
    threads: int

    @classmethod
    def of(cls, running: Server) -> "_Rest":
        time.sleep(SETTLED_S)  # an engine gives memory back after a second without jobs
        tree = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
        regions = Path("/dev/shm").glob(f"{running.runtime_dir.name}*")
        found = [*running.runtime_dir.rglob("*"), *regions]
        return cls(
            own_bytes(running),
            frozenset(map(str, found)),
            sum(process.num_fds() for process in tree),
            sum(process.num_threads() for process in tree),
        )


class _Memory:
    """Samples the memory of a server."""

    def __init__(self, running: Server) -> None:
        self._running = running
        self._samples: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        started = time.monotonic()
        while not self._ended.wait(SAMPLE_S):
            self._samples.append((time.monotonic() - started, own_bytes(self._running)))

    def stop(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds since the start, and bytes."""
        self._ended.set()
        self._thread.join()
        times, sizes = np.array(self._samples, np.float64).T
        return times, sizes


def _growth(times: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    slope = np.polyfit(times, sizes, 1)[0]
    return float(slope * (times[-1] - times[0]) / np.median(sizes))


def _windows(outcomes: Sequence[Outcome], window_s: float, seconds: float) -> list[list[Outcome]]:
    count = max(1, round(seconds / window_s))
    found: list[list[Outcome]] = [[] for _ in range(count)]
    for outcome in outcomes:
        found[min(count - 1, int(outcome.shot.at_s / window_s))].append(outcome)
    return found


def _capacity(url: str, jobs: int) -> float:
    asyncio.run(closed_loop(url, [_shot(0) for _ in range(max(64, jobs // 10))], 32))  # warm
    started = time.perf_counter()
    outcomes = asyncio.run(closed_loop(url, [_shot(0) for _ in range(jobs)], 32))
    assert all(outcome.reason == "ok" for outcome in outcomes)
    return len(outcomes) / (time.perf_counter() - started)


def _shot(at_s: float) -> Shot:
    size = "large" if random.random() < _LARGE_SHARE else "small"
    width, height = _LARGE if size == "large" else random.choice(_SIZES)
    format_in, format_out = random.choice(_KINDS)
    data = photo(width, height, seed=random.randrange(8), format=format_in)
    options: dict[str, object] = {"output_format": format_out}
    if random.random() < 0.5:
        return Shot(at_s, data, "denoise", options | {"strength": 15}, kind=size)
    return Shot(at_s, data, options=options | {"scale": 2}, kind=size)


def _row(what: str, value: float, wanted: str = "") -> dict[str, object]:
    return {"what": what, "value": value, "wanted": wanted}


if __name__ == "__main__":
    main()
