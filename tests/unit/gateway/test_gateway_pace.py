"""Turns for those whom Triton's full queue refused."""

import pytest
from darkroom_client import Busy
from darkroom_gateway import pace as pace_module
from darkroom_gateway.pace import Pace, Paced

from tests.unit.gateway.fakes import FakeBackend


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: now[0])
    return now


def working(pace, clock, per_s, seconds=1.05):
    """Uninterrupted work at that pace."""
    with pace.picture():
        for _ in range(int(per_s * seconds)):
            with pace.picture():
                clock[0] += 1 / per_s


def test_turns_follow_one_another_at_the_pace_of_the_work(clock):
    pace = Pace()
    assert pace.turn_s(1.0) == 1.0  # nothing is known yet
    working(pace, clock, 10)
    assert pace.per_s == pytest.approx(10, rel=0.01)
    assert [round(pace.turn_s(1.0), 1) for _ in range(5)] == [1.1, 1.2, 1.3, 1.4, 1.5]
    clock[0] += 2
    assert round(pace.turn_s(1.0), 1) == 1.1  # turns that passed are gone


def test_turns_do_not_move_away_without_end(clock):
    pace = Pace()
    working(pace, clock, 10)
    assert max(pace.turn_s(1.0) for _ in range(1000)) == pytest.approx(30)
    assert pace.turn_s(45.0) == pytest.approx(45)


def test_a_slow_second_counts_little_and_idle_time_not_at_all(clock):
    pace = Pace()
    working(pace, clock, 100)
    clock[0] += 3600
    working(pace, clock, 10)
    assert 85 < pace.per_s < 95
    with pytest.raises(ValueError, match="failed"), pace.picture():
        raise ValueError("failed")
    working(pace, clock, 200)
    assert pace.per_s == pytest.approx(200, rel=0.02)


async def test_only_tritons_own_refusals_get_a_turn(clock):
    backend = FakeBackend()
    paced = Paced(backend)
    working(paced._paces.setdefault("denoise", Pace()), clock, 10)
    for sentence, first, second in (("Exceeds maximum queue size", 1.1, 1.2), ("The line is full.", 0.4, 0.4)):
        for expected in (first, second):
            backend.failure = Busy(sentence, retry_after_s=1.0 if "queue" in sentence else 0.4)
            with pytest.raises(Busy) as caught:
                await paced.run("denoise", b"", request_id="x")
            assert caught.value.retry_after_s == pytest.approx(expected)
