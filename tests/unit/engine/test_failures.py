"""The engine when its device fails: too little memory, units that no network can take, a lost device, dead threads."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from darkroom.config import EngineConfig
from darkroom.engine import Engine, Job
from darkroom.engine.lock import DeviceLock
from darkroom.errors import CancelledError, DeadlineError, InternalError, UnavailableError
from tests.unit.engine import fakes
from tests.unit.engine.fakes import FakeRunner, mapper, network, request
from tests.unit.engine.test_engine import wait_until

Make = Callable[..., Engine]

ILLEGAL = "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; expr=cudaStreamSynchronize(stream)"


def together(engine: Engine, runner: FakeRunner, *jobs: Any) -> None:
    """Submit the jobs so that their units share a batch: behind one that holds the device."""
    runner.gate.clear()
    first = request(network(runner, "first"), 1, id="first")
    engine.submit(first)
    assert runner.entered.wait(5)
    for job in jobs:
        engine.submit(job)
    wait_until(lambda: all(job.id in engine.jobs and engine.jobs[job.id].state == "running" for job in jobs))
    wait_until(lambda: engine.device.line.length >= len(jobs))
    runner.gate.set()
    first.answer.wait()


def test_a_batch_that_does_not_fit_is_run_in_smaller_ones(make_engine: Make) -> None:
    engine, runner = make_engine(max_batch=32), FakeRunner(fits=3)
    net = network(runner, max_batch=32)
    jobs = [request(net, 20, id=str(i), value=100 * i) for i in range(4)]
    together(engine, runner, *jobs)
    for i, job in enumerate(jobs):
        assert job.answer.wait() == ([100 * i + n + 1 for n in range(20)], None)
    assert engine.device.batch_limit(net, (4,)) <= 3
    assert engine.stats.retries["memory"] >= 1
    assert engine.stats.units["fake"] == 80
    # once the bound is known nothing is tried in vain
    tried = len(runner.batches)
    again = request(net, 20, id="again")
    engine.submit(again)
    assert again.answer.wait()[1] is None
    assert all(len(batch) <= 3 for batch in runner.batches[tried:])


def test_padded_batches_stay_under_the_bound_too(make_engine: Make) -> None:
    engine, runner = make_engine(max_batch=32), FakeRunner(fits=7)
    net = fakes.Network("padded", runner, fakes.RECORD, max_batch=32, pad_batches=True)
    job = request(net, 100, id="a")
    engine.submit(job)
    assert job.answer.wait() == (list(range(1, 101)), None)
    engine.device._ceilings._ceilings[(net, (4,))].units = 6
    assert engine.device.batch_limit(net, (4,)) == 4


def test_one_unit_that_does_not_fit_fails_its_job_and_no_other(make_engine: Make) -> None:
    small, large = FakeRunner(), FakeRunner(fits=0)
    engine = make_engine()
    good, bad = request(network(small), 20, id="good"), request(network(large, "large"), 20, id="bad")
    engine.submit(bad)
    engine.submit(good)
    _, error = bad.answer.wait()
    assert isinstance(error, UnavailableError)
    assert error.message == "The device has no memory left for one unit of the network large."
    assert error.retry_after_s
    assert good.answer.wait()[1] is None
    assert engine.device.line.length == 0


def test_a_unit_that_no_network_takes_fails_its_job_alone(make_engine: Make) -> None:
    engine = make_engine(max_batch=32)
    runner = FakeRunner(fail_on=lambda batch: bool((batch == 666).any()))
    net = network(runner, max_batch=32)
    good = [request(net, 4, id=str(i), value=10 * i) for i in range(5)]
    bad = request(net, 4, id="bad", value=664)
    together(engine, runner, *good, bad)
    _, error = bad.answer.wait()
    assert isinstance(error, InternalError)
    assert "network fake failed" in error.message
    for i, job in enumerate(good):
        assert job.answer.wait() == ([10 * i + n + 1 for n in range(4)], None)
    assert engine.stats.retries["failure"] == 1
    assert engine.stats.outcomes["internal"] == 1


def test_a_job_that_was_cancelled_meanwhile_is_not_run_again(make_engine: Make) -> None:
    engine, runner = make_engine(max_batch=32), FakeRunner()
    net = network(runner, max_batch=32)
    jobs = [request(net, 2, id=str(i), value=10 * (i + 1)) for i in range(3)]

    def fail(batch: np.ndarray) -> bool:
        if len(set(batch[:, 0] // 10)) == 1:
            return False
        engine.cancel("1")
        wait_until(lambda: "1" not in engine.jobs)
        return True

    runner.fail_on = fail
    together(engine, runner, *jobs)
    assert [job.answer.wait()[1] is None for job in jobs] == [True, False, True]
    assert not any((batch == 20).any() for batch in runner.batches if len(batch) <= 2)


class Poisoned:
    """An engine that tells when its process should end, and who had been answered by then."""

    def __init__(self, **settings: Any) -> None:
        self.jobs: list[Any] = []
        self.answered: list[bool] | None = None
        self.asked = threading.Event()
        config = EngineConfig(max_batch=8, max_batch_s=5.0)
        self.engine = Engine(config, on_poisoned=self._ask, **settings)
        self.engine.start()

    def _ask(self) -> None:
        self.answered = [bool(job.answer.calls) for job in self.jobs]
        self.asked.set()

    def submit(self, *jobs: Any) -> None:
        for job in jobs:
            self.jobs.append(job)
            self.engine.submit(job)


def test_a_lost_device_answers_everybody_before_the_process_ends() -> None:
    runner = FakeRunner(words=ILLEGAL)
    lost = Poisoned()
    try:
        runner.gate.clear()
        lost.submit(*(request(network(runner), 50, id=str(i)) for i in range(5)))
        runner.fail_on = lambda batch: True
        runner.gate.set()
        assert lost.asked.wait(10)
        assert lost.answered == [True] * 5
        for job in lost.jobs:
            _, error = job.answer.wait()
            assert isinstance(error, UnavailableError)
            assert error.wire_message() == (
                'The device failed and this model is being restarted. {"reason": "unavailable", "retry_after_s": 5.0}'
            )
        assert lost.engine.poisoned
        assert len(runner.batches) == 1, "nothing runs on a lost device"
        with pytest.raises(UnavailableError, match="being restarted"):
            lost.engine.submit(request(network(runner), 1, id="late"))
    finally:
        lost.engine.stop(grace_s=0.0)


def test_a_lost_device_waits_for_a_codec_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.engine.core.LOST_GRACE_S", 0.2)
    never = threading.Event()

    async def body(job: Job) -> None:
        await job.in_pool(never.wait)

    lost = Poisoned()
    try:
        stuck = request(network(FakeRunner()), 1, id="stuck", body=body)
        lost.submit(stuck, request(network(FakeRunner(words=ILLEGAL, fail_on=lambda batch: True)), 1, id="a"))
        assert lost.asked.wait(10)
        assert lost.answered == [True, True]
        assert isinstance(stuck.answer.wait()[1], UnavailableError)
    finally:
        never.set()
        lost.engine.stop(grace_s=0.0)


def test_a_codec_that_hangs_does_not_keep_its_caller_beyond_the_deadline(
    make_engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkroom.engine.core.STOP_GRACE_S", 0.2)
    never = threading.Event()

    async def body(job: Job) -> None:
        await job.in_pool(never.wait)

    engine = make_engine(pixel_bytes=1000)
    hung = request(network(FakeRunner()), 1, id="hung", body=body, deadline_s=0.2, pixel_bytes=1000)
    engine.submit(hung)
    assert isinstance(hung.answer.wait(30)[1], DeadlineError)
    assert engine.budget.used_large == 1000, "its pictures are still in use"
    never.set()
    wait_until(lambda: engine.budget.used_large == 0)
    assert len(hung.answer.calls) == 1


def test_who_waits_for_room_hears_of_the_loss() -> None:
    runner = FakeRunner(words=ILLEGAL)
    runner.gate.clear()
    lost = Poisoned()
    lost.engine.line.max_jobs = 1
    lost.engine.budget.total = 1000
    try:
        for i in range(2):
            lost.submit(request(network(runner), 1, id=str(i), pixel_bytes=1000))
        refused: list[BaseException] = []

        def submit() -> None:
            try:
                lost.engine.submit(request(network(runner), 1, id="outside", pixel_bytes=1000))
            except UnavailableError as error:
                refused.append(error)

        outside = threading.Thread(target=submit)
        outside.start()
        outside.join(0.2)
        assert outside.is_alive()
        runner.fail_on = lambda batch: True
        runner.gate.set()
        outside.join(10)
        assert not outside.is_alive()
        assert len(refused) == 1
    finally:
        lost.engine.stop(grace_s=0.0)


def test_a_device_thread_that_dies_fails_its_jobs_instead_of_hanging() -> None:
    class Broken(DeviceLock):
        def hold(self) -> Any:
            raise OSError("No space left on device")

    lost = Poisoned(lock=Broken.__new__(Broken))
    try:
        job = request(network(FakeRunner()), 1, id="a")
        lost.submit(job)
        assert isinstance(job.answer.wait()[1], UnavailableError)
        assert lost.asked.wait(10)
    finally:
        lost.engine.stop(grace_s=0.0)


def test_the_watcher_survives_whatever_it_looks_at(make_engine: Make, caplog: pytest.LogCaptureFixture) -> None:
    engine, runner = make_engine(), FakeRunner(unit_s=0.01)
    ticks: list[int] = []

    def broken(price: object) -> float:
        ticks.append(1)
        raise ZeroDivisionError

    engine.admission.fluid_s = broken  # type: ignore[method-assign]
    gone: list[bool] = []

    def is_cancelled() -> bool:
        if not gone:
            raise OSError("the other process is busy")
        return True

    job = request(network(runner), 2000, id="a", is_cancelled=is_cancelled)
    engine.submit(job)
    wait_until(lambda: len(ticks) >= 3)
    gone.append(True)
    job.answer.wait(5)
    assert "a" not in engine.jobs
    said = [record.getMessage() for record in caplog.records]
    assert said.count("jobs could not be priced anew (said once)") == 1
    assert said.count("could not ask whether a caller has gone (said once)") == 1


def test_a_publisher_that_fails_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    ticks: list[int] = []

    def broken(engine: Engine) -> None:
        raise OSError("No space left on device")

    engine = Engine(EngineConfig(), on_tick=(broken, lambda engine: ticks.append(1)))
    engine.start()
    wait_until(lambda: len(ticks) >= 5)
    engine.stop(grace_s=0.0)
    said = [record.getMessage() for record in caplog.records]
    assert said.count("states or metrics could not be published (said once)") == 1


@pytest.mark.parametrize("where", ["in the coroutine", "in the pool"])
def test_a_pipeline_that_exits_takes_nobody_along(make_engine: Make, where: str) -> None:
    def leave() -> None:
        raise SystemExit(1)

    async def body(job: Job) -> None:
        if where == "in the pool":
            await job.in_pool(leave)
        leave()

    engine, net = make_engine(), network(FakeRunner())
    bad, good = request(net, 1, id="bad", body=body), request(net, 3, id="good")
    engine.submit(bad)
    assert isinstance(bad.answer.wait()[1], InternalError)
    engine.submit(good)
    assert good.answer.wait() == ([1, 2, 3], None)


def test_the_event_loop_outlives_what_leaves_it(make_engine: Make) -> None:
    def leave() -> None:
        raise SystemExit(1)

    engine, net = make_engine(), network(FakeRunner())
    engine._loop.call_soon(leave)
    good = request(net, 3, id="good")
    engine.submit(good)
    assert good.answer.wait() == ([1, 2, 3], None)


def test_an_end_that_cannot_be_booked_is_answered_all_the_same() -> None:
    def broken(job: Job) -> None:
        raise OSError("the board has gone")

    engine = Engine(EngineConfig(), release=broken)
    engine.start()
    try:
        for name in "ab":
            job = request(network(FakeRunner()), 2, id=name)
            engine.submit(job)
            assert job.answer.wait() == ([1, 2], None)
    finally:
        engine.stop(grace_s=0.0)


def test_a_job_that_finds_no_memory_may_come_back(make_engine: Make) -> None:
    async def body(job: Job) -> None:
        await job.in_pool(np.empty, 2**60, np.uint8)

    engine = make_engine()
    job = request(network(FakeRunner()), 1, id="a", body=body)
    engine.submit(job)
    _, error = job.answer.wait()
    assert isinstance(error, UnavailableError)
    assert error.retry_after_s


def test_results_that_cannot_be_taken_fail_their_job_and_free_the_device(make_engine: Make) -> None:
    engine, net = make_engine(result_bytes=100), network(FakeRunner())

    def refuse(*args: Any) -> Any:
        raise RuntimeError("cannot schedule new futures")

    submit, engine.pools.submit = engine.pools.submit, refuse  # type: ignore[method-assign]
    bad = request(net, 20, id="bad")
    engine.submit(bad)
    assert isinstance(bad.answer.wait()[1], InternalError)
    engine.pools.submit = submit  # type: ignore[method-assign]
    good = request(net, 20, id="good")
    engine.submit(good)
    assert good.answer.wait()[1] is None


def test_submitting_to_a_stopped_engine_never_hangs(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner())
    engine._loop.end(timeout_s=5.0)
    engine._loop._closed.clear()  # as when the check was passed just before
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="being unloaded"):
        engine.submit(request(net, 1, id="a", body=mapper(net, 1)))
    assert time.monotonic() - started < 30
    engine._loop.close()
    engine._watcher.stop()
    engine.device.stop(timeout_s=5.0)


def test_a_job_that_is_put_in_line_when_the_engine_has_ended_is_answered(make_engine: Make) -> None:
    engine, net = make_engine(), network(FakeRunner())
    late = request(net, 1, id="late")
    end = engine._loop.end

    def end_and_be_late(timeout_s: float) -> None:
        end(timeout_s)
        engine.jobs["late"] = Job(engine, late, engine.device.line.join("interactive"), 0.0)

    engine._loop.end = end_and_be_late  # type: ignore[method-assign]
    engine.stop(grace_s=0.0)
    assert isinstance(late.answer.wait()[1], UnavailableError)


def test_a_job_that_is_cancelled_while_it_is_put_in_line_never_runs(make_engine: Make) -> None:
    engine, runner = make_engine(), FakeRunner()
    push = engine.line.push

    def cancel_first(job: Job) -> None:
        assert engine.cancel(job.request.id)
        wait_until(lambda: job.stop_reason is not None)
        push(job)

    engine.line.push = cancel_first  # type: ignore[method-assign]
    job = request(network(runner), 1, id="a")
    started = time.monotonic()
    engine.submit(job)
    assert isinstance(job.answer.wait()[1], CancelledError)
    assert time.monotonic() - started < 2, "answered at once, not when a hanging job would be"
    assert not runner.entered.is_set()
    assert not engine.line.jobs
