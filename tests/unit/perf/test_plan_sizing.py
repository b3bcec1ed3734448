"""From a rate and a promise to machines and queues."""

import argparse
from dataclasses import replace

import pytest

from darkroom.config import TilingConfig
from perf.plan import sizing
from perf.plan.__main__ import _seconds
from perf.plan.curves import Curve
from perf.plan.growth import growth
from perf.plan.jobs import Host, parse_mix
from perf.plan.simulate import Machine
from perf.plan.sizing import capacity, cost, keeps, largest_rate, plan, queue_size, simulated, threads_for

TILING = TilingConfig(heights=(144, 280), widths=(112, 144, 280), halo=14, blend=4, margin=8)
KINDS = parse_mix("128x128:3,256x256:1", TILING, 4)
HOST = Host(codec_threads=2, decode_s=0, encode_s=0, place_s=0, job_s=0.010, batch_s=0)
MACHINE = Machine(Curve(8, 2), host=HOST)


@pytest.fixture(autouse=True)
def _short_simulations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "JOBS", 400)


def test_the_mean_picture_costs_its_share_of_full_batches() -> None:
    each = cost(MACHINE, KINDS)
    small, large = (0.008 / 32 + 0.002 * side**2 / 128**2 for side in (144, 280))
    assert each.device_s == pytest.approx(0.75 * small + 0.25 * large)
    assert each.codec_s == pytest.approx(0.010)


def test_a_machine_does_what_its_slower_half_does() -> None:
    assert capacity(MACHINE, KINDS) == pytest.approx(2 / 0.010)
    fast = replace(MACHINE, host=replace(HOST, codec_threads=64))
    assert capacity(fast, KINDS) == pytest.approx(1 / cost(MACHINE, KINDS).device_s)


def test_threads_follow_the_rate_within_the_cores() -> None:
    assert threads_for(MACHINE, KINDS, 1, 16) == 2
    assert threads_for(MACHINE, KINDS, 270, 16) == 4
    assert threads_for(MACHINE, KINDS, 10_000, 16) == 16


def test_triton_s_queue_holds_what_can_be_done_in_time_beyond_the_engine_s_line() -> None:
    assert queue_size(100, 3, 64) == 236
    assert queue_size(4, 3, 64) == 8


@pytest.mark.parametrize("rate", [50, 400])
def test_a_plan_keeps_its_promise_with_the_fewest_machines(rate: float) -> None:
    answer = plan(MACHINE, KINDS, rate, 1.0, 16)
    assert keeps(answer.backing, 1.0)
    assert answer.backing.p99_s <= 1.0
    if answer.machines > 1:
        fewer = rate / (answer.machines - 1)
        assert not keeps(simulated(answer.machine, KINDS, fewer, 1.0), 1.0)


def test_a_promise_shorter_than_the_work_is_refused() -> None:
    with pytest.raises(ValueError, match=r"on an idle machine; the promise is 0\.001 s"):
        plan(MACHINE, KINDS, 5, 0.001, 16)


def test_the_largest_rate_is_kept_and_a_little_more_is_not() -> None:
    rate, result = largest_rate(MACHINE, KINDS, 1.0)
    assert keeps(result, 1.0)
    assert not keeps(simulated(MACHINE, KINDS, 1.1 * rate, 1.0), 1.0)


def test_ten_machines_do_ten_times_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "JOBS", 2000)  # of 400, three more or fewer that are lost are chance
    rows = growth(MACHINE, KINDS, 1.0, 16)
    assert [row["A100s"] for row in rows] == [1, 10, 100]
    assert rows[1]["pictures/s"] == pytest.approx(10 * rows[0]["pictures/s"])
    assert rows[1]["lost, one down (%)"] >= rows[2]["lost, one down (%)"]


@pytest.mark.parametrize(("text", "seconds"), [("3s", 3), ("800ms", 0.8), ("2", 2), (" 1.5s", 1.5)])
def test_seconds(text: str, seconds: float) -> None:
    assert _seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "0s", "-1s", "2h", "4000s"])
def test_what_are_no_seconds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="seconds like"):
        _seconds(text)
