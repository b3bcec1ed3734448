"""Figures come from commands: each table names one, and bench or bench-long runs it."""

import importlib.util
from pathlib import Path

import pytest

from perf.bench import LONG, MAIN
from perf.readme import PAGES, Table, tables

ROOT = Path(__file__).parents[3]
NAMED = sorted({table.name for page in PAGES for table in tables((ROOT / page).read_text()) if table.name})

MEASURED = """
| what | value | wanted |
| --- | --- | --- |
| offered for 60 s | 124 | |
| served | 48 | >= 38.4 |
"""


def test_there_are_tables() -> None:
    assert len(NAMED) > 16


@pytest.mark.parametrize("name", NAMED)
def test_a_table_names_a_command_that_bench_runs(name: str) -> None:
    assert importlib.util.find_spec(f"perf.{name}"), f"python -m perf.{name} does not exist"
    assert name in {step.module for step in MAIN + LONG}, f"neither bench nor bench-long runs perf.{name}"


def test_a_measured_table_without_a_command_is_an_error() -> None:
    with pytest.raises(ValueError, match="names no command"):
        tables(f"## Measured\n{MEASURED}")


def table() -> Table:
    (found,) = tables(f"## Measured\n\nSo much (`python -m perf.overload`):\n{MEASURED}")
    return found


def rows(*whats: str) -> list[dict[str, object]]:
    return [{"what": what, "value": 1.0 + number, "wanted": ""} for number, what in enumerate(whats)]


def test_new_figures_take_the_place_of_old_ones() -> None:
    assert table().name == "overload"
    rendered = table().rendered(rows("peak", "offered for 3 s", "served"))
    assert rendered is not None
    assert rendered[2:] == ["| offered for 3 s | 2 |  |", "| served | 3 |  |"]


@pytest.mark.parametrize("whats", [("served",), ("offered for 3 s", "answered"), ("offered for 3 days", "served"), ()])
def test_rows_that_were_not_measured_are_told(whats: tuple[str, ...]) -> None:
    assert table().rendered(rows(*whats)) is None


def test_columns_that_were_not_measured_are_told() -> None:
    assert table().rendered([{"what": "offered for 3 s", "value": 1.0}, {"what": "served", "value": 2.0}]) is None


def test_a_count_above_the_seconds_does_not_make_them_a_name() -> None:
    body = "| jobs | 5 | |\n| p50 (s) | 1 | |\n| p99 (s) | 2 | |"
    (found,) = tables(f"(`python -m perf.soak`)\n\n| what | value | wanted |\n| --- | --- | --- |\n{body}")
    measured = [("jobs", 9), ("p50 (s)", 0.5), ("p99 (s)", 1.5)]
    rendered = found.rendered([{"what": what, "value": value, "wanted": ""} for what, value in measured])
    assert rendered is not None
    assert rendered[2:] == ["| jobs | 9 |  |", "| p50 (s) | 0.5 |  |", "| p99 (s) | 1.5 |  |"]
