"""Refusals that need not be computed again, and when they must be."""

import pytest

from darkroom.engine.refusals import HOLDS_S, Asked, Refusal, Refusals
from darkroom.errors import BusyError, DeadlineError
from tests.unit.engine.house import House


def refused(fluid_s: float, codec_s: float = 0.1, at: float = 0.0) -> Refusal:
    return Refusal(Asked("interactive", fluid_s, codec_s), at, f"no room for {fluid_s}", 3.0)


def test_who_asks_for_as_much_or_more_is_refused_for_the_same_reason() -> None:
    refusals = Refusals()
    refusals.add(refused(1.0))
    for fluid_s, codec_s in ((1.0, 0.1), (2.0, 0.1), (1.0, 0.2)):
        error = refusals.find(Asked("interactive", fluid_s, codec_s), now=0.04)
        assert isinstance(error, BusyError)
        assert (error.message, error.retry_after_s) == ("no room for 1.0", 3.0)


def test_who_asks_for_less_of_anything_or_in_another_lane_is_looked_at() -> None:
    refusals = Refusals()
    refusals.add(refused(1.0))
    assert refusals.find(Asked("interactive", 0.9, 0.1), now=0.0) is None
    assert refusals.find(Asked("interactive", 1.0, 0.09), now=0.0) is None
    assert refusals.find(Asked("bulk", 1.0, 0.1), now=0.0) is None


def test_a_refusal_holds_until_work_is_done_and_not_for_long() -> None:
    refusals = Refusals()
    refusals.add(refused(1.0))
    assert refusals.find(Asked("interactive", 1.0, 0.1), now=HOLDS_S) is None
    refusals.forget()
    assert refusals.find(Asked("interactive", 1.0, 0.1), now=0.0) is None


def test_only_what_says_more_than_the_others_is_kept() -> None:
    refusals = Refusals()
    for fluid_s, codec_s in ((3.0, 0.3), (2.0, 0.2), (1.0, 0.1), (0.5, 0.5)):
        refusals.add(refused(fluid_s, codec_s))
    assert [kept.asked[1:] for kept in refusals._lately] == [(1.0, 0.1), (0.5, 0.5)]
    refusals.add(refused(9.0, at=2 * HOLDS_S))
    assert [kept.asked.fluid_s for kept in refusals._lately] == [9.0]


def full_house() -> House:
    """Nobody more is admitted, for the sake of one who has 1 s for 0.7 s of work."""
    house = House()
    house.admit(units=70, within_s=1.0)
    house.fill(units=1, within_s=30.0)
    return house


def is_refused(house: House, units: int) -> bool:
    try:
        house.admit(units, within_s=30.0)
    except BusyError:
        return True
    return False


def test_a_small_job_may_come_in_where_a_large_one_was_refused() -> None:
    house = House()
    house.admit(units=75, within_s=1.0)
    assert is_refused(house, units=500)
    assert not is_refused(house, units=1)


def test_there_is_room_again_when_a_job_has_left_and_a_batch_has_run() -> None:
    house = full_house()
    house.jobs.pop()
    assert is_refused(house, units=1), "nothing was heard of it yet"
    house.admission.worked(0.01, 0.0, len(house.jobs))
    assert not is_refused(house, units=1)


def test_there_is_room_at_once_when_somebody_gives_up() -> None:
    house = full_house()
    house.jobs.pop()
    house.admission.left()
    assert not is_refused(house, units=1)


def test_there_is_room_again_soon_when_nothing_was_heard() -> None:
    house = full_house()
    house.jobs.pop(0)
    house.time += 1.01 * HOLDS_S
    assert not is_refused(house, units=1)


def test_who_could_never_make_its_deadline_is_told_so_all_the_same() -> None:
    house = full_house()
    with pytest.raises(DeadlineError, match=r"needs about 5\.0 s by itself"):
        house.admit(units=500, within_s=1.0)
