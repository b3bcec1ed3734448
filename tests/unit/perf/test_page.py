"""The page of all measurements, and the run that makes them."""

import json
from pathlib import Path

import pytest

from perf.bench import LONG, MAIN, Step, run
from perf.page import write_page

MACHINE = {"cpu": "2 cores, Abacus <5>", "memory": "1 GiB", "python": "3.11.7", "date": "2026-01-02"}


def test_a_page_tells_command_machine_and_date_of_each_figure(tmp_path: Path) -> None:
    row = {"what": "a & b", "in process (images/s)": 2.0, "served (images/s)": 1.9, "wanted": ""}
    plain = {"command": "python -m perf.odd --jobs 3", "machine": MACHINE, "rows": [{"what": "x", "value": 12.3456}]}
    drawn = {"command": "python -m perf.ceiling", "machine": MACHINE, "rows": [row]}
    (tmp_path / "odd.json").write_text(json.dumps(plain))
    (tmp_path / "ceiling.json").write_text(json.dumps(drawn))
    (tmp_path / "empty.json").write_text(json.dumps({"rows": []}))
    page = write_page(tmp_path).read_text()
    for text in ("python -m perf.odd --jobs 3", "Abacus &lt;5&gt;", "2026-01-02", "a &amp; b", "<td>12.3</td>"):
        assert text in page
    assert page.count("<h2") == 2
    assert page.count("data:image/svg+xml;base64,") == 1
    assert page.index('id="ceiling"') < page.index('id="odd"')


def test_a_measurement_that_fails_does_not_stop_the_rest() -> None:
    rows = run([Step("no_such_measurement", 60.0), Step("bench --help", 60.0)])
    assert [row["outcome"] for row in rows] == ["ended with 1", "done"]


def test_a_measurement_that_hangs_is_stopped() -> None:
    (row,) = run([Step("bench --help", 0.001)])
    assert str(row["outcome"]).startswith("stopped after")


@pytest.mark.parametrize("step", MAIN + LONG, ids=lambda step: step.module)
def test_a_step_is_a_command_of_ours(step: Step) -> None:
    folder = Path(__file__).parents[3] / "perf"
    assert (folder / f"{step.module}.py").exists() or (folder / step.module / "__main__.py").exists()
