"""Threads for what is not the device's work: decoding, stitching, encoding."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from darkroom.engine.job import Job
from darkroom.engine.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

SMALL_NICE, LARGE_NICE = 2, 8
"""Niceness of the threads: a 144 MB PNG must not keep a thumbnail waiting, and no codec a refusal."""


class Pools:
    """Two sets of threads, so that small jobs never wait for the encoders of large ones to end. Used from the event
    loop, but for `is_small`, which may be asked from any thread."""

    def __init__(self, threads: int, small_bytes: int) -> None:
        """`threads` in each; a job of at most `small_bytes` pixels (bytes) is small."""
        self.threads = threads
        self._small_bytes = small_bytes
        self._small = Threads(threads, "darkroom-small", SMALL_NICE)
        self._large = Threads(threads, "darkroom-large", LARGE_NICE)

    def is_small(self, pixel_bytes: int) -> bool:
        return pixel_bytes <= self._small_bytes

    def submit(self, job: Job, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run `function` on a thread for this job's size, in the job's turn."""
        return asyncio.wrap_future(self._threads(job).submit(job, partial(function, *args, **kwargs)))

    async def run(self, job: Job, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` and wait. A cancelled job waits for it too: what a thread works on is memory in use."""
        running = self._threads(job).submit(job, partial(function, *args, **kwargs))
        future = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not running.cancel():
                await asyncio.wait([future])
            raise

    def _threads(self, job: Job) -> Threads:
        return self._small if self.is_small(job.price.pixel_bytes) else self._large

    def shutdown(self) -> None:
        """Cancel what waits; what runs goes on to its end."""
        for threads in (self._small, self._large):
            threads.shutdown()
