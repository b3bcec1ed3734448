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
    loop."""

    def __init__(self, threads: int, is_small: Callable[[int], bool]) -> None:
        """`threads` in each; `is_small`: whether a job of so many pixels (bytes) is small."""
        self._is_small = is_small
        self._small = Threads(threads, "darkroom-small", SMALL_NICE)
        self._large = Threads(threads, "darkroom-large", LARGE_NICE)

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
        return self._small if self._is_small(job.price.pixel_bytes) else self._large

    def shutdown(self) -> None:
        """Cancel what waits; what runs goes on to its end."""
        for threads in (self._small, self._large):
            threads.shutdown()
