"""The pace that is kept while many wait."""

import pytest

from darkroom.engine.pace import SLOWEST, Pace


def run(
    pace: Pace, seconds: float, device: float, codecs: float = 0.0, *, many: bool = True, start: float = 0.0
) -> None:
    """Every tenth of a second a batch, of so much of that time."""
    for tenth in range(1, round(10 * seconds) + 1):
        pace.book(0.1 * device, 0.1 * codecs, start + 0.1 * tenth, many=many)


def test_a_device_that_never_rests_keeps_the_full_pace() -> None:
    pace = Pace()
    run(pace, 20, device=1.0)
    assert pace.value == pytest.approx(1.0)


def test_the_pace_is_that_of_the_busier_of_the_two() -> None:
    pace = Pace()
    run(pace, 60, device=0.4, codecs=0.7)
    assert pace.value == pytest.approx(0.7, rel=0.01)


def test_it_is_learnt_in_seconds_and_no_single_batch_moves_it_far() -> None:
    pace = Pace()
    run(pace, 20, device=1.0)
    pace.book(0.0, 0.0, 20.3, many=True)
    assert pace.value > 0.9
    run(pace, 10, device=0.5, start=20.3)
    assert 0.5 < pace.value < 0.65


def test_time_when_few_wait_restores_trust() -> None:
    pace = Pace()
    run(pace, 20, device=0.6)
    run(pace, 2, device=0.1, many=False, start=20.0)
    assert 0.6 < pace.value < 0.9
    run(pace, 30, device=0.1, many=False, start=22.0)
    assert pace.value == pytest.approx(1.0, rel=0.01)


def test_a_device_that_stands_still_does_not_shut_the_door() -> None:
    pace = Pace()
    run(pace, 1000, device=0.0)
    assert pace.value == SLOWEST


def test_estimates_that_were_too_high_promise_nothing() -> None:
    pace = Pace()
    run(pace, 20, device=2.0)
    assert pace.value == 1.0
