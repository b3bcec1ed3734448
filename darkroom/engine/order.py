"""Whose turn it is among jobs that wait for something but the device: to be decoded, or for a thread. Pure.

The same turns as in the line for the device (darkroom.engine.fair): one for the job that a fair queue would serve
first, by its `tag` (virtual finish time: Demers, Keshav and Shenker, 1989), so that a small job passes large ones that
came before it; the next BEHIND for whoever is most behind, so that nobody waits for ever.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import BEHIND, is_endangered, promise_order

JobT = TypeVar("JobT", bound=Commitment)
TaskT = TypeVar("TaskT")

Place = tuple[float, float, int]


class Turns:
    """One turn for the fair queue's first, then BEHIND for whoever is most behind."""

    def __init__(self) -> None:
        self._behind = 0
        """Turns of those behind that are still to come before the next of the fair queue's."""

    def order(self, now: float) -> Callable[[Commitment], Place]:
        """The key by which whose turn it is comes first; `now` by the clock of the jobs' promises."""
        return partial(_by_due, now=now) if self._behind else _by_tag

    def taken(self) -> None:
        """Somebody had this turn."""
        self._behind = self._behind - 1 if self._behind else BEHIND


class TaskLine(Generic[JobT, TaskT]):
    """Tasks of jobs that wait for a thread: of a job, the first that came. Not thread-safe."""

    def __init__(self) -> None:
        self._tasks: dict[JobT, deque[TaskT]] = {}
        self._turns = Turns()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def push(self, job: JobT, task: TaskT) -> None:
        self._tasks.setdefault(job, deque()).append(task)

    def pop(self, now: float) -> tuple[JobT, TaskT]:
        """The next task, and whose it is; `now` by the clock of the jobs' promises. Raises ValueError when there is
        none."""
        if len(self._tasks) == 1:
            (job,) = self._tasks
        else:
            job = min(self._tasks, key=self._turns.order(now))
            self._turns.taken()
        tasks = self._tasks[job]
        task = tasks.popleft()
        if not tasks:
            del self._tasks[job]
        return job, task


def _by_tag(job: Commitment) -> Place:
    return (1, job.tag, job.share.age)


def _by_due(job: Commitment, now: float) -> Place:
    return (0, *promise_order(job.share)) if is_endangered(job.share, now) else _by_tag(job)
