"""Forecasts, estimates, the waiting line and its pixel budget."""

import pytest

from darkroom.engine.commitment import Commitment
from darkroom.engine.estimate import Estimates
from darkroom.engine.fair import LANE_WEIGHTS, Lane, Share
from darkroom.engine.forecast import Loads, Neighbour, done_times, finish_times, in_order, in_turns
from darkroom.engine.line import PixelBudget, WaitingLine
from darkroom.engine.price import Price


def loads_of(*loads: tuple[Lane, float]) -> Loads:
    return Loads([lane for lane, _ in loads], [seconds for _, seconds in loads])


def fair(*loads: tuple[Lane, float]) -> list[float]:
    return finish_times(loads_of(*loads))


def ordered(*loads: tuple[Lane, float]) -> list[float]:
    return in_order(loads_of(*loads))


def test_jobs_of_one_lane_share_evenly() -> None:
    assert fair(("interactive", 1.0), ("interactive", 3.0)) == pytest.approx([2.0, 4.0])
    assert fair(*(("interactive", seconds) for seconds in (3.0, 1.0, 2.0))) == pytest.approx([6.0, 3.0, 5.0])


def test_lanes_share_by_weight() -> None:
    small, bulk = fair(("interactive", 4.0), ("bulk", 4.0))
    assert small == pytest.approx(5.0)
    assert bulk == pytest.approx(8.0)
    # until a lane has all that it wants
    assert fair(("interactive", 2.0), ("bulk", 1.0), ("interactive", 6.0), ("bulk", 4.0)) == pytest.approx(
        [5.0, 10.0, 10.0, 13.0]
    )


def test_the_last_one_ends_when_all_work_is_done() -> None:
    assert max(fair(*(("interactive" if i % 3 else "bulk", float(i)) for i in range(50)))) == pytest.approx(
        sum(range(50))
    )


def test_forecasts_are_those_of_a_device_that_is_shared_in_small_steps() -> None:
    loads: list[tuple[Lane, float]] = [("interactive", 0.7), ("bulk", 0.2), ("interactive", 0.3), ("bulk", 0.9)]
    left, done, time, step = [seconds for _, seconds in loads], [0.0] * 4, 0.0, 1e-4
    while any(seconds > 0 for seconds in left):
        waiting = [i for i in range(4) if left[i] > 0]
        lanes = {lane: [i for i in waiting if loads[i][0] == lane] for lane in LANE_WEIGHTS}
        weight = sum(LANE_WEIGHTS[lane] for lane, of_lane in lanes.items() if of_lane)
        for lane, of_lane in lanes.items():
            for i in of_lane:
                left[i] -= step * LANE_WEIGHTS[lane] / weight / len(of_lane)
        time += step
        for i in waiting:
            done[i] = time
    assert fair(*loads) == pytest.approx(done, abs=20 * step)


def test_in_order_each_waits_for_those_before_it() -> None:
    assert ordered(("interactive", 1.0), ("interactive", 3.0), ("interactive", 0.5)) == [1.0, 4.0, 4.5]
    assert ordered() == []


def test_in_order_lanes_still_share_by_weight() -> None:
    # 4 to 1 until the interactive lane has all it wants
    assert ordered(("bulk", 1.0), ("interactive", 4.0), ("bulk", 5.0)) == pytest.approx([5.0, 5.0, 10.0])
    assert max(ordered(*(("bulk" if i % 3 else "interactive", 1.0) for i in range(30)))) == pytest.approx(30.0)


def test_whoever_is_first_or_alone_is_done_between_its_fair_and_its_only_turn() -> None:
    assert done_times([3.0, 0.0], [3.0, 0.0]) == pytest.approx([3.0, 0.0])
    assert done_times([8.0, 2.0], [4.0, 6.0]) == pytest.approx([32 / 7, 4.0])


def test_neighbours_take_a_batch_before_each_of_ours_until_they_have_all() -> None:
    assert in_turns(10.0, 0.5, []) == 10.0
    equal, small = Neighbour(backlog_s=100.0, batch_s=0.5), Neighbour(backlog_s=1.0, batch_s=0.5)
    assert in_turns(10.0, 0.5, [equal]) == pytest.approx(20.0)
    assert in_turns(10.0, 0.5, [equal, small]) == pytest.approx(21.0)
    assert in_turns(10.0, 0.5, [Neighbour(100.0, batch_s=0.05)]) == pytest.approx(11.0)
    # a thumbnail waits for one whole batch of the neighbour's
    assert in_turns(0.01, 0.05, [equal]) == pytest.approx(0.51)
    assert in_turns(0.01, 0.0, [equal]) == pytest.approx(0.51)


def test_nothing_is_done_at_once() -> None:
    assert fair() == []
    assert fair(("bulk", 0.0)) == [0.0]


def test_the_fit_learns_base_and_slope() -> None:
    estimates = Estimates()
    for n in (1, 4, 8, 2, 8, 1):
        estimates.observe("net", (8, 8), 64, n, 0.008 + 0.002 * n)
    assert estimates.seconds("net", (8, 8), 64, 32) == pytest.approx(0.072, rel=0.01)


def test_an_unknown_shape_borrows_the_rate_of_its_network() -> None:
    estimates = Estimates()
    estimates.observe("net", (8, 8), 64, 1, 0.1)
    assert estimates.seconds("net", (16, 16), 256, 1) == pytest.approx(0.4)
    assert estimates.seconds("other", (16, 16), 256, 1) == pytest.approx(256e-6)


def test_estimates_follow_a_device_that_becomes_slower() -> None:
    estimates = Estimates()
    for seconds in [0.1] * 50 + [0.3] * 60:
        estimates.observe("net", (8,), 8, 1, seconds)
    assert estimates.seconds("net", (8,), 8, 1) == pytest.approx(0.3, rel=0.1)


def test_batches_are_bounded_in_time() -> None:
    estimates = Estimates()
    for n in (1, 4):
        estimates.observe("net", (8,), 8, n, 0.1 * n)
    assert estimates.batch_limit("net", (8,), 8, most=32, seconds=0.5) == 5
    assert estimates.batch_limit("net", (8,), 8, most=32, seconds=0.01) == 1
    assert estimates.batch_limit("net", (8,), 8, most=3, seconds=9.0) == 3


def test_large_and_small_jobs_have_purses_of_their_own() -> None:
    budget = PixelBudget(3200)
    budget.take(3000)
    assert not budget.fits(1000)
    assert budget.fits(100)
    for _ in range(8):
        assert budget.fits(100)
        budget.take(100)
    assert not budget.fits(100)
    budget.give_back(3000)
    assert budget.fits(3200)


def test_a_job_larger_than_the_budget_runs_alone() -> None:
    budget = PixelBudget(1000)
    assert budget.fits(5000)
    budget.take(5000)
    assert not budget.fits(500)


def waiting(age: int, work_s: float, pixel_bytes: int, encoded: int = 10, lane: Lane = "interactive") -> Commitment:
    """An admitted job that was not yet decoded."""
    job = Commitment(Price((), pixel_bytes), Share(lane, age), 1000.0, encoded)
    job.fluid_s = work_s
    return job


def line_of(*jobs: Commitment) -> WaitingLine[Commitment]:
    line: WaitingLine[Commitment] = WaitingLine(max_jobs=10, max_bytes=100)
    for job in jobs:
        line.push(job)
    return line


def test_a_small_job_passes_a_large_one_in_line() -> None:
    large, small = waiting(0, 5.0, 500), waiting(1, 0.1, 10)
    line = line_of(large, small)
    assert line.pop(PixelBudget(1000), now=0.0) is small
    assert line.pop(PixelBudget(1000), now=0.0) is large
    assert line.pop(PixelBudget(1000), now=0.0) is None


def test_nobody_is_passed_for_ever() -> None:
    large = waiting(0, 5.0, 10)
    line = line_of(large)
    for age in range(1, 200):
        line.push(waiting(age, 0.1, 10))
        if line.pop(PixelBudget(1000), now=0.0) is large:
            return
        line.advance(0.1, 0.0, 1)
    pytest.fail("the large job never had its turn")


def test_three_of_four_places_are_for_whoever_is_most_behind() -> None:
    large = [waiting(age, 5.0, 10) for age in range(4)]
    small = [waiting(age, 0.1, 10) for age in range(4, 6)]
    for job, latest_start in zip(large, (4.0, 3.0, 9.0, 4.5), strict=True):
        job.share.latest_start = latest_start
    line = line_of(*large, *small)
    popped = [line.pop(PixelBudget(1000), now=5.0) for _ in range(6)]
    assert popped == [small[0], large[1], large[0], large[3], small[1], large[2]]


def test_bulk_waits_longer() -> None:
    bulk, interactive = waiting(0, 1.0, 10, lane="bulk"), waiting(1, 2.0, 10)
    assert line_of(bulk, interactive).pop(PixelBudget(1000), now=0.0) is interactive


def test_a_small_job_passes_when_only_large_pixels_are_spent() -> None:
    budget = PixelBudget(1000)
    budget.take(1000)
    large, small = waiting(0, 0.1, 900), waiting(1, 5.0, 10)
    assert line_of(large, small).pop(budget, now=0.0) is small


def test_the_line_is_bounded_in_jobs_and_bytes() -> None:
    line = line_of(*(waiting(i, 1.0, 10, encoded=9) for i in range(10)))
    assert not line.has_room(1)
    line = line_of(waiting(0, 1.0, 10, encoded=60))
    assert line.has_room(40)
    assert not line.has_room(41)
    assert WaitingLine(10, 100).has_room(1000), "an empty line takes any job"
