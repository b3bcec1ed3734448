"""Whatever fits and whatever fails: every job gets its own result or its own error, and nothing is left behind."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.config import EngineConfig
from darkroom.engine import Engine
from darkroom.errors import InternalError
from tests.unit.engine.fakes import FakeRunner, network, request, unit

BAD = 10_000


@dataclass(frozen=True)
class Case:
    """Jobs of some units each, of which one may be bad; on a device where so many fit."""

    jobs: tuple[tuple[int, int | None], ...]
    fits: int
    max_batch: int
    streams: int


jobs = st.tuples(st.integers(1, 30), st.none() | st.integers(0, 29)).map(
    lambda job: (job[0], None if job[1] is None else job[1] % job[0])
)
cases = st.builds(
    Case,
    jobs=st.lists(jobs, min_size=1, max_size=8).map(tuple),
    fits=st.integers(1, 32),
    max_batch=st.integers(1, 32),
    streams=st.integers(1, 2),
)


def values(number: int, count: int, bad: int | None) -> list[int]:
    return [BAD if index == bad else 100 * number + index for index in range(count)]


def job_of(net: Any, number: int, count: int, bad: int | None) -> Any:
    wanted = values(number, count, bad)

    async def body(job: Any) -> list[int]:
        results: dict[int, int] = {}
        await job.map(net, map(unit, wanted), lambda index, outputs: results.__setitem__(index, int(outputs[0][0])))
        return [results[index] for index in range(count)]

    return request(net, count, id=str(number), body=body)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_every_job_gets_what_is_its_own(case: Case) -> None:
    runner = FakeRunner(fits=case.fits, fail_on=lambda batch: bool((batch == BAD).any()))
    engine = Engine(EngineConfig(max_batch=case.max_batch, max_batch_s=5.0, streams=case.streams))
    engine.start()
    try:
        net = network(runner, max_batch=case.max_batch)
        submitted = [job_of(net, number, *job) for number, job in enumerate(case.jobs)]
        for job in submitted:
            engine.submit(job)
        for number, ((count, bad), job) in enumerate(zip(case.jobs, submitted, strict=True)):
            result, error = job.answer.wait(60)
            if bad is None:
                assert (result, error) == ([value + 1 for value in values(number, count, None)], None)
            else:
                assert isinstance(error, InternalError)
        assert not engine.jobs
        assert engine.device.line.length == 0
        assert engine.budget.used_small == engine.budget.used_large == 0
    finally:
        engine.stop(grace_s=0.0)
