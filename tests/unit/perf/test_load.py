"""Arrivals, and what is made of what callers wrote down."""

from pathlib import Path

import pytest

from perf.baselines.callers import Load, summary
from perf.load import bursts, poisson


def test_bursts_bring_the_rate_in_heaps() -> None:
    times = bursts(rate=10.0, seconds=20.0, every_s=5.0)
    assert len(times) == 200
    assert sorted(set(times)) == [0.0, 5.0, 10.0, 15.0]


def test_poisson_brings_the_rate_spread() -> None:
    times = poisson(rate=50.0, seconds=100.0, seed=1)
    assert len(times) == pytest.approx(5000, rel=0.1)
    assert len(set(times)) == len(times)
    assert max(times) < 100.0


def line(begun: float, ended: float, *statuses: int) -> dict[str, object]:
    attempts = [{"status": status, "seconds": (ended - begun) / len(statuses)} for status in statuses]
    return {"begun_s": begun, "ended_s": ended, "status": statuses[-1], "attempts": attempts}


def test_figures_of_a_run() -> None:
    asked = Load(callers=4, seconds=10.0, patience_s=8.0, photos=Path())
    figures = summary(
        [
            line(0.0, 2.0, 200),
            line(0.0, 9.0, 429, 429, 200),  # served, but its caller had waited longer than anyone would
            line(2.0, 10.0, 504),
            line(2.0, 4.0, 500),
            line(9.0, 12.5, 200),  # served after the load had ended
            line(9.0, 9.5, 429),  # refused to the end
        ],
        asked,
    )
    assert figures["photographs"] == 6
    assert figures["images/s"] == pytest.approx(0.2)
    assert figures["goodput (images/s)"] == pytest.approx(0.1)
    assert figures["504 (%)"] == pytest.approx(100 / 6)
    assert figures["refusals"] == 3
    assert figures["failed"] == 1
    assert figures["turnaround p99 (s)"] == pytest.approx(9.0, abs=0.1)
    assert figures["p50 (s)"] == pytest.approx(3.0)
