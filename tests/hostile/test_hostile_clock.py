"""The clock of the day jumps (NTP, summer time by hand, a machine that slept): nobody is late for it, nobody waits."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from darkroom.engine import Engine
from darkroom.errors import DeadlineError
from tests.unit.engine import fakes

DAY_S = 86_400.0


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock finds it up to a month off, in either direction."""
    draw, wall = random.Random(3), time.time
    monkeypatch.setattr(time, "time", lambda: wall() + draw.uniform(-30 * DAY_S, 30 * DAY_S))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    assert len({round(time.time() / DAY_S) for _ in range(20)}) > 5


@pytest.fixture
def engine() -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def start(**changes: Any) -> Engine:
        engines.append(fakes.engine(**changes))
        engines[-1].start()
        return engines[-1]

    yield start
    for started in engines:
        started.stop(grace_s=0.0)


@pytest.mark.usefixtures("jumping")
def test_jobs_are_answered_in_time_and_promises_are_kept(engine: Callable[..., Engine]) -> None:
    running = engine()
    net = fakes.network(fakes.FakeRunner(base_s=0.002, unit_s=0.0002))
    requests = [fakes.request(net, 1 + number % 20, id=f"j{number}", value=number) for number in range(60)]
    for request in requests:
        running.submit(request)
    for number, request in enumerate(requests):
        result, error = request.answer.wait(60)
        assert error is None
        assert result == [number + 1 + place for place in range(1 + number % 20)]
    assert running.stats.outcomes == {"ok": 60}


@pytest.mark.usefixtures("jumping")
def test_a_deadline_is_neither_met_nor_missed_by_a_jump(engine: Callable[..., Engine]) -> None:
    running = engine()
    stuck = fakes.FakeRunner()
    net = fakes.network(stuck)
    stuck.gate.clear()
    late, patient = (fakes.request(net, 1, id=name, deadline_s=s) for name, s in (("late", 0.5), ("patient", 600.0)))
    began = time.monotonic()
    running.submit(late)
    running.submit(patient)
    _, error = late.answer.wait(60)
    assert isinstance(error, DeadlineError)
    assert time.monotonic() - began >= 0.45
    assert not patient.answer.calls
    stuck.gate.set()
    assert patient.answer.wait(60) == ([1], None)


@pytest.mark.usefixtures("jumping")
def test_estimates_and_quotes_do_not_see_the_jumps(engine: Callable[..., Engine]) -> None:
    running = engine()
    net = fakes.network(fakes.FakeRunner(base_s=0.005))
    for number in range(10):
        request = fakes.request(net, 8, id=f"j{number}")
        running.submit(request)
        assert request.answer.wait(60)[1] is None
    quote = running.quote(fakes.request(net, 8, id="quote"))
    assert 0 < quote.done_in_s < 10
    assert 0 <= running.backlog_s() < 10
