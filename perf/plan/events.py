"""Simulated time, and what there is one of at a time: jobs, codec threads, the device's turn."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from functools import partial

from darkroom.engine import Price
from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import Share
from perf.plan.jobs import Kind, Shape


class Clock:
    """Events in simulated time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), event))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()


class Job(Commitment):
    """One request on its way."""

    def __init__(
        self, kind: Kind, price: Price, share: "Share[Job, Shape]", now: float, deadline_s: float, done: "Done"
    ) -> None:
        """`done` is called once, when it was answered or refused."""
        super().__init__(price, share, now + deadline_s)
        self.kind = kind
        self.arrived = now
        self.deadline_s = deadline_s
        self.done = done
        self.left = kind.units
        """Units not yet placed."""
        self.waiting: deque[Shape] = deque()
        """Units that are outside of the window."""
        self.outstanding = 0
        self.open = False
        """Decoded, or about to be: it holds pixels."""
        self.refused = False
        self.late = False
        self.ended = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.arrived


Done = Callable[[Job], None]


class Threads:
    """Codec threads: first come, first served. What belongs to a job that has ended is not begun."""

    def __init__(self, clock: Clock, count: int, small_bytes: int = 0) -> None:
        """A job of at most `small_bytes` pixels (bytes) is small to admission; here it waits like all others."""
        self._clock = clock
        self._count = self._free = count
        self._small_bytes = small_bytes
        self._queue: deque[tuple[Job, float, Callable[[], None]]] = deque()
        self.owed_s = 0.0
        """Of all jobs in the house: decoding and encoding, as the engine's pools count it."""
        self.busy_s = 0.0

    def is_small(self, pixel_bytes: int) -> bool:
        return pixel_bytes <= self._small_bytes

    def backlog_s(self, pixel_bytes: int) -> float:
        """Seconds of codec work that a newcomer would find before it."""
        return self.owed_s / self._count

    def submit(self, job: Job, seconds: float, then: Callable[[], None]) -> None:
        self._queue.append((job, seconds, then))
        self._start()

    def _start(self) -> None:
        while self._free and self._queue:
            job, seconds, then = self._queue.popleft()
            if job.late:
                continue
            self._free -= 1
            self.busy_s += seconds
            self._clock.after(seconds, partial(self._end, then))

    def _end(self, then: Callable[[], None]) -> None:
        self._free += 1
        then()
        self._start()


class Turns:
    """The device: one batch at a time, whoever waits longest next."""

    def __init__(self) -> None:
        self.busy = False
        self.busy_s = 0.0
        self.batches = 0
        self.units = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def ask(self, start: Callable[[], None]) -> None:
        """`start` is called when it is one's turn."""
        if self.busy:
            self._waiting.append(start)
        else:
            self.busy = True
            start()

    def release(self) -> None:
        self.busy = False
        if self._waiting:
            self.busy = True
            self._waiting.popleft()()
