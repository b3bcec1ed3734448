"""The device loop: picks which network runs next and which units form its batch, and keeps the device busy.

It is work-conserving: whenever a unit waits and the device is free, a batch starts with what is there. Batches fill
up by themselves under load, because units gather while the batch before them runs.
"""

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable

from darkroom.config import EngineConfig
from darkroom.engine.estimate import Estimates
from darkroom.engine.fair import FairLine, Share
from darkroom.engine.job import Call, Key, Sink, now
from darkroom.engine.lock import DeviceLock
from darkroom.errors import DarkroomError, InternalError, UnavailableError
from darkroom.network import Network, NetworkError, Unit

POISON = ("CUDA", "CUDNN", "CUBLAS")
"""In an error of onnxruntime: the process's CUDA context is lost, and only a new process helps."""


class Device:
    """One device of one process. `put` and `drop` are called from the event loop; batches run in own threads."""

    def __init__(
        self,
        config: EngineConfig,
        estimates: Estimates,
        lock: DeviceLock | None,
        on_batch: Callable[[Network, int, float, float], None],
        on_poisoned: Callable[[], None] = lambda: None,
    ) -> None:
        """`lock`: what model processes of one machine take turns with, None on a GPU of its own.
        `on_batch(network, units, seconds, waited)`: called on the event loop after every batch.
        `on_poisoned()`: called on the event loop when the device's context is lost."""
        self._config = config
        self._estimates = estimates
        self._lock = lock
        self._on_batch = on_batch
        self._on_poisoned = on_poisoned
        self._line: FairLine[Call, Key] = FairLine()
        self._ready = threading.Condition()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: list[threading.Thread] = []
        self._held = 0
        self.running_until = 0.0
        """When the batch on the device is expected to end (engine clock)."""

    @property
    def line(self) -> FairLine[Call, Key]:
        return self._line

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        for stream in range(self._config.streams):
            thread = threading.Thread(target=self._work, name=f"darkroom-device-{stream}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """Let the running batches end, then stop. Whatever waits is not run."""
        with self._ready:
            self._stopping = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def put(self, call: Call) -> None:
        """Put one unit in line."""
        with self._ready:
            self._line.push(call.job.share, call.key, call)
            self._ready.notify()

    def drop(self, share: Share[Call, Key]) -> None:
        """Take all units of one job out of the line."""
        with self._ready:
            self._line.drop(share)

    def hold(self, size: int) -> None:
        """Results of `size` bytes wait to be put in their place. Beyond the configured bound no batch starts."""
        with self._ready:
            self._held += size

    def release(self, size: int) -> None:
        """They have been."""
        with self._ready:
            self._held -= size
            self._ready.notify()

    def batch_limit(self, network: Network, shape: tuple[int, ...]) -> int:
        """Units of `shape` in one run of `network`: bounded in number, and in expected time."""
        most = min(network.max_batch, self._config.max_batch)
        return self._estimates.batch_limit(network, shape, math.prod(shape), most, self._config.max_batch_s)

    def usual_batch(self, network: Network, shape: tuple[int, ...], limit: int) -> int:
        """Units that batches of this shape lately had, at most `limit`; `limit` when none ran."""
        return min(limit, max(1, round(self._estimates.mean_batch(network, shape) or limit)))

    def seconds(self, network: Network, shape: tuple[int, ...], units: int) -> float:
        """Expected device seconds of one batch of `units`."""
        return self._estimates.seconds(network, shape, math.prod(shape), units)

    def _work(self) -> None:
        while True:
            with self._ready:
                while (not self._line.length or self._held > self._config.result_bytes) and not self._stopping:
                    self._ready.wait()
                if self._stopping:
                    return
            waiting_since = now()
            # the turn first, the batch second: units that come while others compute still get on
            with self._lock.hold() if self._lock else contextlib.nullcontext():
                started = now()
                batch = self._next_batch(started)
                if not batch:
                    continue
                outcome = _run(batch)
                ended = now()
            self._finish(batch, outcome, ended - started, started - waiting_since)
            del batch, outcome  # an idle device must not keep the last batch's pictures

    def _next_batch(self, started: float) -> list[Call]:
        with self._ready:
            key = self._line.next_key(started)
            if key is None:
                return []
            network, shape = key
            limit = self.batch_limit(network, shape)
            unit_s = self.seconds(network, shape, limit) / limit
            taken = [call for _, call in self._line.take(key, limit, unit_s, started)]
            self.running_until = started + self.seconds(network, shape, len(taken))
            # what was charged was an estimate of a full batch: correct it when the batch is smaller
            correction = self.seconds(network, shape, len(taken)) / len(taken) - unit_s
            for call in taken:
                self._line.charge(call.job.share, correction)
            return taken

    def _finish(self, batch: list[Call], outcome: "list[Unit] | DarkroomError", seconds: float, waited: float) -> None:
        network, shape = batch[0].key
        if not isinstance(outcome, DarkroomError):
            self._estimates.observe(network, shape, math.prod(shape), len(batch), seconds)
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._deliver, batch, outcome, seconds, waited)

    def _deliver(self, batch: list[Call], outcome: "list[Unit] | DarkroomError", seconds: float, waited: float) -> None:
        jobs = {call.job for call in batch}
        for job in jobs:
            job.batches += 1
        sinks: dict[Sink, list[tuple[int, Unit]]] = {}
        for i, call in enumerate(batch):
            call.job.device_s += seconds / len(batch)
            if isinstance(outcome, DarkroomError):
                call.sink.fail(outcome)
            else:
                call.job.units_done += 1
                sinks.setdefault(call.sink, []).append((call.index, outcome[i]))
        for sink, results in sinks.items():
            sink.deliver(results)
        self._on_batch(batch[0].network, len(batch), seconds, waited)
        if isinstance(outcome, UnavailableError):
            self._on_poisoned()


def _run(batch: list[Call]) -> "list[Unit] | DarkroomError":
    try:
        return batch[0].network.run([call.unit for call in batch])
    except NetworkError as error:
        if any(word in str(error.__cause__) for word in POISON) and "out of memory" not in str(error.__cause__):
            return UnavailableError("The GPU failed and this model is being restarted.", retry_after_s=5.0)
        return InternalError(str(error))
    except Exception as error:
        return InternalError(f"The network {batch[0].network.name} could not take its batch ({type(error).__name__}).")
