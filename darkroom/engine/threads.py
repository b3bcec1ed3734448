"""Threads that take the tasks of jobs in the order of darkroom.engine.order. A thread pool takes them as they come, and
where the device is faster than the codecs, here is where jobs wait."""

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from darkroom.engine.job import Job, now
from darkroom.engine.order import TaskLine


class Threads:
    """A fixed number of threads, started with the first task. `submit` and `shutdown` may be called from any thread."""

    def __init__(self, count: int, name: str, niceness: int) -> None:
        self._count = count
        self._name = name
        self._niceness = niceness
        self._line: TaskLine[Job, tuple[Future[Any], Callable[[], Any]]] = TaskLine()
        self._lock = threading.Lock()
        self._calls: SimpleQueue[None] = SimpleQueue()
        """One for each task, and one for each thread at the end: waiting for it costs less than for a Condition."""
        self._started = self._closed = False

    def submit(self, job: Job, task: Callable[[], Any]) -> "Future[Any]":
        """Run `task` in its turn. What it returns or raises is the future's; one that is cancelled in time is not run.
        After `shutdown` the future is cancelled."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
                return future
            self._line.push(job, (future, task))
            if not self._started:
                self._started = True
                for i in range(self._count):
                    threading.Thread(target=self._work, name=f"{self._name}_{i}", daemon=True).start()
        self._calls.put(None)
        return future

    def shutdown(self) -> None:
        """Cancel what waits; what runs goes on to its end."""
        with self._lock:
            self._closed = True
            while self._line:
                _, (future, _) = self._line.pop(now())
                future.cancel()
        for _ in range(self._count):
            self._calls.put(None)

    def _work(self) -> None:
        be_nice(self._niceness)
        while True:
            self._calls.get()
            with self._lock:
                if self._closed:
                    return
                _, (future, task) = self._line.pop(now())
            _run(future, task)
            del future, task  # a picture must not live until the next task


def _run(future: "Future[Any]", task: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = task()
    except BaseException as error:
        future.set_exception(error)
        del future, task  # the error's traceback holds this frame
    else:
        future.set_result(result)


def be_nice(niceness: int) -> None:
    """Give the calling thread a lower priority, and those that it will start."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(niceness)  # of this thread alone, on Linux
