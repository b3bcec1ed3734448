"""What a caller is told of the progress of a job."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from darkroom.engine import Engine, Job, Price, Request, Work
from tests.unit.engine.fakes import FakeRunner, Outcome, network, unit

SEARCHES, FACES = 40, 4


def test_a_unit_counts_as_the_seconds_that_it_takes(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(max_batch_s=0.001)
    search, face = network(FakeRunner(), "search"), network(FakeRunner(unit_s=0.03), "face", max_batch=1)
    for net, seconds in ((search, 0.0001), (face, 0.03)):
        engine.estimates.observe(net, (4,), 4, 1, seconds)
    seen: list[float] = []

    async def body(job: Job) -> None:
        seen.append(job.progress)
        await job.map(search, (unit(i) for i in range(SEARCHES)), lambda index, outputs: None)
        seen.append(job.progress)
        job.reprice((Work(face, (4,), FACES),))
        for i in range(FACES):
            await job.run(face, unit(i))
            seen.append(job.progress)

    answer = Outcome()
    work = (Work(search, (4,), SEARCHES), Work(face, (4,), 1))
    engine.submit(Request("a", Price(work, 1000), body, answer, deadline_s=20.0))
    assert answer.wait() == (None, None)
    assert seen[0] == 0
    assert seen[1] < 0.5  # forty of forty-one units are done
    assert seen == sorted(seen)
    assert all(later - earlier > 0.05 for earlier, later in itertools.pairwise(seen[1:]))
    assert seen[-1] == pytest.approx(1.0)


def test_progress_never_falls(make_engine: Callable[..., Engine]) -> None:
    engine, net = make_engine(), network(FakeRunner(unit_s=0.001))
    seen: list[float] = []

    async def body(job: Job) -> Any:
        await job.run(net, unit(0))
        seen.append(job.progress)
        job.reprice((Work(net, (4,), 100),))
        seen.append(job.progress)

    answer = Outcome()
    engine.submit(Request("a", Price((Work(net, (4,), 2),), 1000), body, answer, deadline_s=20.0))
    answer.wait()
    assert seen[1] == seen[0] > 0.1
