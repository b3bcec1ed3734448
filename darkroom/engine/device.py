"""The device loop: picks which network runs next and which units form its batch, and keeps the device busy.

It is work-conserving: whenever a unit waits and the device is free, a batch starts with what is there. Batches fill
up by themselves under load, because units gather while the batch before them runs.

A batch that fails is run again in parts: in smaller ones when it did not fit the memory, else job by job, so that a
unit that no network can take fails its own job alone.
"""

import contextlib
import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from darkroom.config import EngineConfig
from darkroom.engine.ceiling import Ceilings
from darkroom.engine.estimate import Estimates
from darkroom.engine.fair import FairLine, Share
from darkroom.engine.job import Call, Job, Key, Sink, now
from darkroom.engine.lock import DeviceLock
from darkroom.engine.loop import LoopThread
from darkroom.errors import DarkroomError, InternalError, UnavailableError
from darkroom.network import Network, Unit
from darkroom.network_errors import DeviceLostError, NetworkError, OutOfMemoryError

log = logging.getLogger("darkroom")

LEARNING_RATE = 0.1
"""Of the mean batch: about the last ten count."""
Retried = Literal["memory", "failure"]
"""Why a batch was run again in parts."""


class Device:
    """One device of one process. `put` and `drop` are called from the event loop; batches run in own threads."""

    def __init__(
        self,
        config: EngineConfig,
        estimates: Estimates,
        lock: DeviceLock | None,
        on_batch: Callable[[Network, int, float], None],
        on_retry: Callable[[Retried, float], None] = lambda cause, seconds: None,
        on_lost: Callable[[str], None] = lambda why: None,
    ) -> None:
        """`lock`: what model processes of one machine take turns with, None on a GPU of its own.
        Called on the event loop: `on_batch(network, units, seconds)` after every batch, `on_retry(cause, seconds)`
        after one that is run again in parts, `on_lost(why)` once, when nothing will run on this device any more."""
        self._config = config
        self._estimates = estimates
        self._lock = lock
        self._on_batch = on_batch
        self._on_retry = on_retry
        self._on_lost = on_lost
        self._ceilings = Ceilings()
        self._line: FairLine[Call, Key] = FairLine()
        self._ready = threading.Condition()
        self._stopping = False
        self._loop: LoopThread | None = None
        self._threads: list[threading.Thread] = []
        self._held = 0
        self.running_until = 0.0
        """When the batch on the device is expected to end (engine clock)."""
        self._in_flight: dict[int, tuple[float, float]] = {}
        """By thread: when its batch began (engine clock), and the seconds expected for it."""
        self.mean_batch_s = 0.0
        """Device seconds of one batch, lately."""

    @property
    def line(self) -> FairLine[Call, Key]:
        return self._line

    def start(self, loop: LoopThread) -> None:
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
        """Units of `shape` in one run of `network`: bounded in number, in memory, and in expected time."""
        most = self._most(network)
        fit = self._ceilings.units((network, shape), most)
        if network.pad_batches and fit < most:
            fit = 1 << (fit.bit_length() - 1)  # a batch between two powers of two is filled up to the larger
        most = fit
        return self._estimates.batch_limit(network, shape, math.prod(shape), most, self._config.max_batch_s)

    def did_not_fit(self, network: Network, shape: tuple[int, ...], units: int) -> None:
        """A batch of `units` ran out of memory: for a while none is as large."""
        self._ceilings.lower((network, shape), units, now())

    def usual_batch(self, network: Network, shape: tuple[int, ...], limit: int) -> int:
        """Units that batches of this shape lately had, at most `limit`; `limit` when none ran."""
        return self._estimates.usual_batch(network, shape, limit)

    def seconds(self, network: Network, shape: tuple[int, ...], units: int) -> float:
        """Expected device seconds of one batch of `units`."""
        return self._estimates.seconds(network, shape, math.prod(shape), units)

    def slowest_batch(self) -> tuple[float, float]:
        """Of the batch that is on the device for longest: for how many seconds, and how many were expected; (0, 0)
        while there is none. Waiting for other processes' turns does not count. Safe from any thread."""
        began, expected_s = min(list(self._in_flight.values()), default=(now(), 0.0))
        return now() - began, expected_s

    def _most(self, network: Network) -> int:
        return min(network.max_batch, self._config.max_batch)

    def _work(self) -> None:
        """One stream. It must not end unnoticed: jobs would wait for it until their deadlines."""
        try:
            while self._wait_for_units():
                self._run_next()
        except DeviceLostError as error:
            self._lose(str(error))
        except BaseException:
            log.exception("a device thread failed")
            self._lose("A device thread failed.")

    def _wait_for_units(self) -> bool:
        """False when the device stops."""
        with self._ready:
            while (not self._line.length or self._held > self._config.result_bytes) and not self._stopping:
                self._ready.wait()
            return not self._stopping

    def _run_next(self) -> None:
        # the turn first, the batch second: units that come while others compute still get on
        with self._turn():
            batch = self._next_batch(now())
            parts = deque(self._run(batch)) if batch else deque()
        while parts:
            part = [call for call in parts.popleft() if call.job.stop_reason is None]
            if part:
                with self._turn():
                    parts.extendleft(reversed(self._run(part)))

    def _turn(self) -> contextlib.AbstractContextManager[None]:
        return self._lock.hold() if self._lock else contextlib.nullcontext()

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

    def _run(self, batch: list[Call]) -> list[list[Call]]:
        """Run one batch; what is to be run again, in parts. Raises DeviceLostError."""
        network, shape = batch[0].key
        started = now()
        self._in_flight[threading.get_ident()] = (started, self.seconds(network, shape, len(batch)))
        try:
            outcome: list[Unit] | DarkroomError = network.run([call.unit for call in batch])
        except DeviceLostError:
            raise
        except OutOfMemoryError:
            self.did_not_fit(network, shape, len(batch))
            if len(batch) > 1:
                self._call_soon(self._on_retry, "memory", now() - started)
                return _split(batch, self.batch_limit(network, shape))
            outcome = UnavailableError(
                f"The device has no memory left for one unit of the network {network.name}.", retry_after_s=5.0
            )
        except Exception as error:
            if len(parts := _by_job(batch)) > 1:
                self._call_soon(self._on_retry, "failure", now() - started)
                return parts
            outcome = InternalError(
                str(error)
                if isinstance(error, NetworkError)
                else f"The network {network.name} could not take its batch ({type(error).__name__})."
            )
        else:
            seconds = now() - started
            self._estimates.observe(network, shape, math.prod(shape), len(batch), seconds)
            self._ceilings.fitted((network, shape), len(batch), self._most(network), now())
            self.mean_batch_s += (seconds - self.mean_batch_s) * (LEARNING_RATE if self.mean_batch_s else 1.0)
        finally:
            del self._in_flight[threading.get_ident()]
        self._call_soon(self._deliver, batch, outcome, now() - started)
        return []

    def _lose(self, why: str) -> None:
        with self._ready:
            if self._stopping:
                return
            self._stopping = True
            self._ready.notify_all()
        self._call_soon(self._on_lost, why)

    def _call_soon(self, function: Callable[..., None], *args: object) -> None:
        assert self._loop is not None
        self._loop.call_soon(function, *args)

    def _deliver(self, batch: list[Call], outcome: "list[Unit] | DarkroomError", seconds: float) -> None:
        for job in {call.job for call in batch}:
            job.batches += 1
        sinks: dict[Sink, list[tuple[int, Unit]]] = {}
        for i, call in enumerate(batch):
            call.job.device_s += seconds / len(batch)
            if isinstance(outcome, DarkroomError):
                call.sink.fail(outcome)
            else:
                call.job.count_call(call)
                sinks.setdefault(call.sink, []).append((call.index, outcome[i]))
        for sink, results in sinks.items():
            try:
                sink.deliver(results)
            except Exception:
                log.exception("results could not be delivered")
                sink.fail(InternalError("The job failed on an error inside the server; the log has more."))
        self._on_batch(batch[0].network, len(batch), seconds)


def _split(batch: Sequence[Call], limit: int) -> list[list[Call]]:
    return [list(batch[i : i + limit]) for i in range(0, len(batch), limit)]


def _by_job(batch: Sequence[Call]) -> list[list[Call]]:
    parts: dict[Job, list[Call]] = {}
    for call in batch:
        parts.setdefault(call.job, []).append(call)
    return list(parts.values())
