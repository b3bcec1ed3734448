"""Simulated time, and what there is one of at a time: jobs, codec threads, the device's turn."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from functools import partial

from darkroom.engine import Price
from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import Share
from darkroom.engine.order import TaskLine
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
    """Codec threads, in the engine's order (darkroom.engine.order). What belongs to a job that is late is not begun."""

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._free = count
        self._line: TaskLine[Job, tuple[float, Callable[[], None]]] = TaskLine()
        self.busy_s = 0.0

    def submit(self, job: Job, seconds: float, then: Callable[[], None]) -> None:
        self._line.push(job, (seconds, then))
        self._start()

    def _start(self) -> None:
        while self._free and self._line:
            job, (seconds, then) = self._line.pop(self._clock.now)
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
