"""The engine with a fake network: batching across jobs, windows, failures, refusals, cancellation, shutdown."""

import gc
import random
import threading
import time
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from darkroom.engine import Engine, Job
from darkroom.errors import (
    BadOptionError,
    BusyError,
    CancelledError,
    DeadlineError,
    InternalError,
    UnavailableError,
)
from darkroom.network import Network
from tests.unit.engine.fakes import FakeRunner, Outcome, mapper, network, request

Make = Callable[..., Engine]


def wait_until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def test_every_unit_comes_back_in_its_place(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner())
    job = request(net, 100, id="a", value=10)
    engine.submit(job)
    assert job.answer.wait() == (list(range(11, 111)), None)


def test_units_of_different_jobs_share_batches(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(), network(runner)
    jobs = [request(net, 1, id=str(i), value=100 * i) for i in range(9)]
    engine.submit(jobs[0])
    runner.entered.wait(5)
    for job in jobs[1:]:
        engine.submit(job)
    wait_until(lambda: engine.device.line.length == 8)
    runner.gate.set()
    assert [job.answer.wait()[0] for job in jobs] == [[100 * i + 1] for i in range(9)]
    assert [len(batch) for batch in runner.batches] == [1, 8]


def test_unequal_shapes_never_share_a_batch(make_engine: Make) -> None:
    runner = FakeRunner()
    engine, net = make_engine(), network(runner)
    jobs = [request(net, 20, id=str(length), length=length) for length in (4, 5)]
    for job in jobs:
        engine.submit(job)
    for job in jobs:
        assert job.answer.wait()[0] == list(range(1, 21))
    assert {batch.shape[1] for batch in runner.batches} == {4, 5}


def test_a_job_keeps_a_bounded_window(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(window_batches=2.0), network(runner)
    job = request(net, 500, id="a")
    engine.submit(job)
    wait_until(lambda: engine.device.line.length > 0)
    time.sleep(0.05)
    assert engine.device.line.length <= 16
    runner.gate.set()
    assert len(job.answer.wait()[0]) == 500


def test_a_failed_batch_fails_its_jobs_and_no_others(make_engine: Make) -> None:
    runner = FakeRunner(fail_on=lambda batch: bool((batch == 13).any()))
    engine, net = make_engine(max_batch=1), network(runner, max_batch=1)
    bad, good = request(net, 20, id="bad"), request(net, 20, id="good", value=100)
    engine.submit(bad)
    engine.submit(good)
    result, error = bad.answer.wait()
    assert result is None
    assert isinstance(error, InternalError)
    assert "fake" in error.message
    assert good.answer.wait() == (list(range(101, 121)), None)


def test_an_error_in_a_pipeline_is_answered_without_its_details(make_engine: Make) -> None:
    async def body(job: Job) -> None:
        raise KeyError("/secret/path")

    engine, net = make_engine(), network(FakeRunner())
    job = request(net, 1, id="a", body=body)
    engine.submit(job)
    _, error = job.answer.wait()
    assert isinstance(error, InternalError)
    assert "secret" not in error.wire_message()


def test_a_running_id_is_refused_and_free_again_afterwards(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(), network(runner)
    first = request(net, 1, id="same")
    engine.submit(first)
    with pytest.raises(BadOptionError, match='"same" names a job that is still running'):
        engine.submit(request(net, 1, id="same"))
    runner.gate.set()
    first.answer.wait()
    again = request(net, 1, id="same")
    engine.submit(again)
    again.answer.wait()


def learn(engine: Engine, net: object, length: int, seconds_a_unit: float) -> None:
    for n in (1, 8):
        engine.estimates.observe(net, (length,), length, n, seconds_a_unit * n)


def held(make_engine: Make) -> tuple[Engine, Network, FakeRunner]:
    """An engine that expects 0.1 s a unit, and a device that ends no batch until the runner's gate is set."""
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(), network(runner)
    learn(engine, net, 4, 0.1)
    return engine, net, runner


def test_a_job_that_would_come_too_late_is_refused_at_once(make_engine: Make) -> None:
    engine, net, runner = held(make_engine)
    running = request(net, 100, id="a")
    engine.submit(running)
    started = time.monotonic()
    with pytest.raises(BusyError) as refused:
        engine.submit(request(net, 60, id="b", deadline_s=9.0))
    assert time.monotonic() - started < 1.0
    assert refused.value.retry_after_s is not None
    assert 0 < refused.value.retry_after_s < 15
    runner.gate.set()


def test_what_no_device_could_do_in_time_is_refused_as_deadline(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner())
    learn(engine, net, 4, 1.0)
    with pytest.raises(DeadlineError, match=r"needs about 100\.0 s by itself; its deadline is 5\.0 s"):
        engine.submit(request(net, 100, id="a", deadline_s=5.0))


def test_a_newcomer_may_not_make_an_admitted_job_late(make_engine: Make) -> None:
    engine, net, runner = held(make_engine)
    engine.submit(request(net, 100, id="tight", deadline_s=12.0))
    with pytest.raises(BusyError, match="admitted before it"):
        engine.submit(request(net, 100, id="newcomer", deadline_s=100.0))
    runner.gate.set()


def test_a_cancel_makes_room_at_once(make_engine: Make) -> None:
    engine, net, runner = held(make_engine)
    engine.submit(request(net, 8, id="on the device", deadline_s=100.0))
    wait_until(lambda: engine.device.line.length == 0)
    tight = request(net, 90, id="tight", deadline_s=12.5)
    engine.submit(tight)
    with pytest.raises(BusyError, match="admitted before it"):
        engine.submit(request(net, 100, id="newcomer", deadline_s=100.0))
    engine.cancel("tight")
    tight.answer.wait()
    engine.submit(request(net, 100, id="newcomer", deadline_s=100.0))
    runner.gate.set()


def test_a_quote_does_no_work(make_engine: Make) -> None:
    runner = FakeRunner()
    engine, net = make_engine(), network(runner)
    learn(engine, net, 4, 0.1)
    quote = engine.quote(request(net, 16, id="a"))
    assert quote.units == 16
    assert quote.work_s == pytest.approx(1.6, rel=0.01)
    assert quote.done_in_s >= quote.work_s
    assert not runner.batches
    assert not engine.jobs


def test_a_quote_never_has_more_work_than_time(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner())
    learn(engine, net, 4, 0.1)
    asked = request(net, 16, id="a")
    for _ in range(50):  # jobs lately came twice as soon as foreseen
        engine.admission.learn(asked.price, computed_s=2.0, actual_s=1.0)
    quote = engine.quote(asked)
    assert quote.done_in_s >= quote.work_s > 0


def test_a_cancelled_job_leaves_nothing_behind(make_engine: Make) -> None:
    runner = FakeRunner(unit_s=0.01)
    engine, net = make_engine(), network(runner)
    job = request(net, 1000, id="a")
    engine.submit(job)
    wait_until(lambda: len(runner.batches) > 1)
    assert engine.cancel("a")
    assert isinstance(job.answer.wait()[1], CancelledError)
    ran = len(runner.batches)
    time.sleep(0.2)
    assert len(runner.batches) <= ran + 1
    assert engine.device.line.length == 0
    assert not engine.jobs
    assert engine.budget.used_small == 0
    assert engine.cancel("a") is False


def test_random_cancels_leave_nothing_behind(make_engine: Make) -> None:
    rng = random.Random(0)
    engine, net = make_engine(pixel_bytes=20_000), network(FakeRunner(base_s=0.0005))
    jobs = []
    for number in range(300):
        jobs.append(request(net, rng.randrange(1, 40), id=str(number), pixel_bytes=rng.choice((100, 4000))))
        engine.submit(jobs[-1])
        for _ in range(rng.randrange(3)):
            engine.cancel(str(rng.randrange(number + 1)))
    for job in jobs:
        _, error = job.answer.wait()
        assert error is None or isinstance(error, CancelledError)
    wait_until(lambda: engine.budget.used_small == engine.budget.used_large == 0)
    assert not engine.jobs
    assert engine.device.line.length == 0
    assert sum(engine.stats.outcomes.values()) == 300


def test_an_ended_job_is_forgotten_at_once(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner(unit_s=0.005))
    held: list[weakref.ref[Job]] = []

    async def body(job: Job) -> None:
        held.append(weakref.ref(job))
        await mapper(net, 200)(job)

    for number in range(20):
        job = request(net, 200, id=str(number), body=body)
        engine.submit(job)
        wait_until(lambda number=number: len(held) > number)  # type: ignore[misc]
        engine.cancel(str(number))
        job.answer.wait()
    wait_until(lambda: gc.collect() >= 0 and all(ref() is None for ref in held[:-1]))


def test_a_caller_that_has_gone_is_noticed(make_engine: Make) -> None:
    gone: list[bool] = []
    runner = FakeRunner(unit_s=0.01)
    engine, net = make_engine(), network(runner)
    job = request(net, 1000, id="a", is_cancelled=lambda: bool(gone))
    engine.submit(job)
    gone.append(True)
    assert isinstance(job.answer.wait(2)[1], CancelledError)


def test_a_passed_deadline_stops_running_and_waiting_jobs(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(pixel_bytes=1000), network(runner)
    running = request(net, 1, id="a", deadline_s=0.2, pixel_bytes=1000)
    waiting = request(net, 1, id="b", deadline_s=0.2, pixel_bytes=1000)
    engine.submit(running)
    engine.submit(waiting)
    for job in (running, waiting):
        assert isinstance(job.answer.wait(2)[1], DeadlineError)
    runner.gate.set()


def test_the_pixel_budget_bounds_what_is_decoded_at_once(make_engine: Make) -> None:
    alive: list[int] = []
    most: list[int] = []

    async def body(job: Job) -> None:
        alive.append(1)
        most.append(len(alive))
        await job.run(net, (np.zeros(4, np.int64),))
        alive.pop()

    engine, net = make_engine(pixel_bytes=3000), network(FakeRunner(base_s=0.005))
    jobs = [request(net, 1, id=str(i), body=body, pixel_bytes=1000) for i in range(12)]
    for job in jobs:
        engine.submit(job)
    for job in jobs:
        assert job.answer.wait()[1] is None
    assert max(most) == 3


def test_a_full_line_blocks_the_front_end_until_there_is_room(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(pixel_bytes=1000, line_jobs=2), network(runner)
    jobs = [request(net, 1, id=str(i), pixel_bytes=1000) for i in range(3)]
    for job in jobs:
        engine.submit(job)
    extra = request(net, 1, id="extra", pixel_bytes=1000)
    entered = threading.Thread(target=engine.submit, args=(extra,))
    entered.start()
    entered.join(0.2)
    assert entered.is_alive(), "submit should wait while the line is full"
    assert "extra" not in engine.jobs
    runner.gate.set()
    entered.join(5)
    assert extra.answer.wait()[1] is None
    for job in jobs:
        assert job.answer.wait()[1] is None


def test_stop_answers_everything_exactly_once(make_engine: Make) -> None:
    runner = FakeRunner()
    runner.gate.clear()
    engine, net = make_engine(pixel_bytes=1000), network(runner)
    jobs = [request(net, 50, id=str(i), pixel_bytes=1000) for i in range(5)]
    for job in jobs:
        engine.submit(job)
    runner.unit_s = 0.02
    runner.gate.set()
    engine.stop(grace_s=0.1)
    outcomes = [job.answer.wait() for job in jobs]
    assert any(isinstance(error, UnavailableError) for _, error in outcomes)
    with pytest.raises(UnavailableError):
        engine.submit(request(net, 1, id="late"))


def test_stop_lets_running_jobs_end(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner(unit_s=0.005))
    job = request(net, 40, id="a")
    engine.submit(job)
    engine.stop(grace_s=5.0)
    assert job.answer.wait() == (list(range(1, 41)), None)


def test_a_small_job_passes_large_ones(make_engine: Make) -> None:
    runner = FakeRunner(base_s=0.02)
    engine, net = make_engine(), network(runner)
    large = [request(net, 400, id=f"large{i}", answer=Outcome()) for i in range(3)]
    for job in large:
        engine.submit(job)
    wait_until(lambda: len(runner.batches) > 3)
    before = len(runner.batches)
    small = request(net, 1, id="small")
    engine.submit(small)
    assert small.answer.wait() == ([1], None)
    assert len(runner.batches) - before <= 4
    assert all(not job.answer.calls for job in large)
    for job in large:
        engine.cancel(job.id)
