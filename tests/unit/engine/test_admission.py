"""Who is admitted, by the clock of the test."""

import pytest

from darkroom.engine.forecast import Neighbour
from darkroom.engine.price import Price, Work
from darkroom.errors import DeadlineError
from tests.unit.engine.house import NET, House


def test_the_house_is_full_when_the_device_could_do_no_more_in_time() -> None:
    assert 60 < House().fill(units=1) <= 100


def test_where_codecs_are_behind_they_are_what_is_counted() -> None:
    # 40 ms of one thread are 20 ms of two, twice what the device takes
    assert 30 < House().fill(units=1, codec_s=0.040) <= 50


def test_codecs_that_are_faster_than_the_device_take_nothing_from_it() -> None:
    assert House().fill(units=1, codec_s=0.001) >= House().fill(units=1) - 1


def test_a_codec_that_alone_takes_too_long_is_told_so() -> None:
    house = House()
    house.admit(1)
    with pytest.raises(DeadlineError, match=r"needs about 2\.0 s by itself"):
        house.admit(1, codec_s=2.0)


def test_neighbours_take_the_device_but_not_our_threads() -> None:
    def filled(codec_s: float, backlog_s: float) -> int:
        house = House()
        house.admission.neighbours = (Neighbour(backlog_s, 0.010),)
        return house.fill(units=1, codec_s=codec_s)

    assert filled(0.0, backlog_s=0.5) < 0.7 * House().fill(units=1)
    assert filled(0.080, backlog_s=0.2) >= House().fill(units=1, codec_s=0.080) - 2


def test_a_young_job_keeps_room_for_newcomers_and_gives_it_up_as_it_ages() -> None:
    young, old = House(), House()
    young.admit(units=20, within_s=0.28)
    grown = old.admit(units=60, within_s=1.0)
    grown.units_done, old.time = 40, 100.72
    grown.estimate(grown.fluid_s)
    # both have 0.2 s to go and 0.28 s for it
    assert 0 < 1.2 * young.fill(units=1, within_s=30.0) < old.fill(units=1, within_s=30.0)


def test_who_keeps_half_the_pace_is_held_to_half_as_much() -> None:
    fast, slow = House(), House()
    for step in range(100):
        slow.time = 100.0 + 0.2 * step
        slow.admission.worked(device_s=0.1, codec_s=0.0, jobs=50)
    for house in (fast, slow):
        house.admit(units=45, within_s=1.0)
    # it has 0.45 s of work and a second for it: a quarter of the device for whoever comes later is no danger to it
    assert 0 < slow.fill(units=1, within_s=30.0) < 100
    for _ in range(100):
        fast.admit(units=1, within_s=30.0)


def test_a_quote_counts_the_codecs_of_those_before() -> None:
    house = House()
    price = Price((Work(NET, (4,), 1),), 1000, 0.040)
    alone = house.admission.forecast(price, "interactive", house.jobs).done_s
    for _ in range(20):
        house.admit(1, codec_s=0.040, within_s=30.0)
    among = house.admission.forecast(price, "interactive", house.jobs).done_s
    assert among == pytest.approx(alone + 20 * 0.020, rel=0.1)
