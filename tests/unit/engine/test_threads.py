"""Threads that serve jobs in their turns."""

import gc
import threading
import weakref
from concurrent.futures import CancelledError
from typing import Any

import pytest

from darkroom.engine import Job
from darkroom.engine.threads import Threads
from tests.unit.engine import fakes
from tests.unit.engine.test_engine import wait_until


class Gate:
    """Keeps the one thread busy until it is opened."""

    def __init__(self, threads: Threads, job: Job) -> None:
        self._entered, self._open = threading.Event(), threading.Event()
        self.future = threads.submit(job, self._wait)
        assert self._entered.wait(5)

    def _wait(self) -> None:
        self._entered.set()
        self._open.wait(5)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def threads() -> Any:
    one = Threads(1, "test", niceness=0)
    yield one
    one.shutdown()


def job(tag: float = 0.0) -> Job:
    engine = fakes.engine()
    request = fakes.request(fakes.network(fakes.FakeRunner()), 1, id=str(tag))
    one = Job(engine, request, engine.device.line.join("interactive"), 0.0)
    one.tag = tag
    return one


def test_what_a_task_returns_or_raises_is_the_future_s(threads: Threads) -> None:
    assert threads.submit(job(), lambda: 7).result(5) == 7
    with pytest.raises(ZeroDivisionError):
        threads.submit(job(), lambda: 1 // 0).result(5)
    assert threads.submit(job(), lambda: 8).result(5) == 8, "an error ends no thread"


def test_jobs_are_served_in_their_turns(threads: Threads) -> None:
    gate, seen = Gate(threads, job()), list[str]()
    large = threads.submit(job(5.0), lambda: seen.append("large"))
    small = threads.submit(job(0.1), lambda: seen.append("small"))
    gate.open()
    large.result(5)
    small.result(5)
    assert seen == ["small", "large"]


def test_what_is_cancelled_in_time_is_not_run(threads: Threads) -> None:
    gate, seen = Gate(threads, job()), list[str]()
    waiting = threads.submit(job(), lambda: seen.append("ran"))
    assert waiting.cancel()
    gate.open()
    assert threads.submit(job(), lambda: "next").result(5) == "next"
    assert not seen


def test_a_shutdown_cancels_what_waits_and_lets_end_what_runs(threads: Threads) -> None:
    gate = Gate(threads, job())
    waiting = threads.submit(job(), lambda: None)
    threads.shutdown()
    with pytest.raises(CancelledError):
        waiting.result(5)
    assert threads.submit(job(), lambda: None).cancelled()
    gate.open()
    gate.future.result(5)
    wait_until(lambda: not any(thread.name == "test_0" for thread in threading.enumerate()))


def test_a_task_and_what_it_holds_are_forgotten_when_it_has_run(threads: Threads) -> None:
    class Picture:
        pass

    def failing(picture: Picture) -> None:
        raise ValueError(picture.__class__.__name__)

    for task in (id, failing):
        picture = Picture()
        gone = weakref.ref(picture)
        future = threads.submit(job(), lambda task=task, picture=picture: task(picture))  # type: ignore[misc]
        future.exception(5)
        del picture, future
        wait_until(lambda gone=gone: gc.collect() >= 0 and gone() is None)  # type: ignore[misc]
