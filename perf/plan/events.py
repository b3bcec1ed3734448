"""Simulated time, and what there is one of at a time: jobs, codec threads, the device's turn."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

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


@dataclass(eq=False)
class Job:
    """One request on its way."""

    kind: Kind
    arrived: float
    deadline_s: float
    done: Callable[["Job"], None]
    share: "Share[Job, Shape]"
    left: int = 0
    """Units not yet placed."""
    waiting: deque[Shape] = field(default_factory=deque)
    """Units that are outside of the window."""
    outstanding: int = 0
    fluid_s: float = 0.0
    computed_s: float = 0.0
    """Forecast at admission."""
    due_at: float = 0.0
    promised_at: float = 0.0
    units_done: int = 0
    refused: bool = False
    late: bool = False
    ended: float = 0.0

    @property
    def remaining_s(self) -> float:
        return self.fluid_s * (1 - self.units_done / self.kind.units)

    @property
    def deadline_at(self) -> float:
        return self.arrived + self.deadline_s

    @property
    def seconds(self) -> float:
        return self.ended - self.arrived


class Threads:
    """Codec threads: first come, first served. What belongs to a job that has ended is not begun."""

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._free = count
        self._queue: deque[tuple[Job, float, Callable[[], None]]] = deque()
        self.owed_s = 0.0
        """Of all jobs in the house: decoding and encoding, as the engine's pools count it."""
        self.busy_s = 0.0

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
