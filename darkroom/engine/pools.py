"""Thread pools for what is not the device's work: decoding, stitching, encoding."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from darkroom.engine.job import Job

P = ParamSpec("P")
T = TypeVar("T")

SMALL_NICE, LARGE_NICE = 2, 8
"""Niceness of the threads: a 144 MB PNG must not keep a thumbnail waiting, and no codec a refusal."""


class Pools:
    """Two pools, so that small jobs never queue up behind the encoders of large ones. Used from the event loop, but for
    `owe` and what asks, which may come from any thread."""

    def __init__(self, threads: int, small_bytes: int) -> None:
        """`threads` in each pool; a job of at most `small_bytes` pixels (bytes) is small."""
        self._threads = threads
        self._small_bytes = small_bytes
        self._backlog_s = {True: 0.0, False: 0.0}
        self._lock = threading.Lock()
        self._small = ThreadPoolExecutor(threads, "darkroom-small", be_nice, (SMALL_NICE,))
        self._large = ThreadPoolExecutor(threads, "darkroom-large", be_nice, (LARGE_NICE,))

    def backlog_s(self, pixel_bytes: int) -> float:
        """Seconds of codec work that a newcomer of this size would find before it."""
        return self._backlog_s[self.is_small(pixel_bytes)] / self._threads

    def owe(self, pixel_bytes: int, seconds: float) -> None:
        """Book expected codec seconds of an admitted job (negative when they are done)."""
        with self._lock:
            self._backlog_s[self.is_small(pixel_bytes)] += seconds

    def is_small(self, pixel_bytes: int) -> bool:
        return pixel_bytes <= self._small_bytes

    def submit(self, job: "Job", function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Start `function` in the pool for this job's size."""
        return asyncio.wrap_future(self._pool(job).submit(function, *args, **kwargs))

    async def run(self, job: "Job", function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` and wait. A cancelled job waits for it too: what a thread works on is memory in use."""
        running = self._pool(job).submit(function, *args, **kwargs)
        future = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not running.cancel():
                await asyncio.wait([future])
            raise

    def _pool(self, job: "Job") -> ThreadPoolExecutor:
        return self._small if self.is_small(job.request.price.pixel_bytes) else self._large

    def shutdown(self) -> None:
        for pool in (self._small, self._large):
            pool.shutdown(wait=False, cancel_futures=True)


def be_nice(niceness: int) -> None:
    """Give the calling thread a lower priority, and those that it will start."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(niceness)  # of this thread alone, on Linux
