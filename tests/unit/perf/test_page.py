"""The page of all measurements, and the run that makes them."""

import json
import math
from pathlib import Path

import pytest

from perf.bench import LONG, MAIN, Step, run
from perf.figures.before_after import PANELS
from perf.figures.plots import PLOTS
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
    kept: list[int] = []
    rows = run([Step("no_such_measurement", 60.0), Step("bench --help", 60.0)], lambda rows: kept.append(len(rows)))
    assert [row["outcome"] for row in rows] == ["ended with 1", "done"]
    assert kept == [1, 2], "what was measured is written down before the next begins"


def test_a_measurement_that_hangs_is_stopped() -> None:
    (row,) = run([Step("bench --help", 0.001)])
    assert str(row["outcome"]).startswith("stopped after")


@pytest.mark.parametrize("step", MAIN + LONG, ids=lambda step: step.module)
def test_a_step_is_a_command_of_ours(step: Step) -> None:
    folder = Path(__file__).parents[3] / "perf"
    file = folder.joinpath(*step.module.split("."))
    assert file.with_suffix(".py").exists() or (file / "__main__.py").exists()


def test_every_plot_is_drawn(tmp_path: Path) -> None:
    loads = {"images/s": 3.0, "p50 (s)": 0.1, "p99 (s)": 0.2, "p99 (ms)": 200.0, "failed": ""}
    contents: dict[str, list[dict[str, object]]] = {
        "batching": [loads | {"": "both, as shipped"}],
        "analyze": [loads | {"task": "denoise", "size": "64x48", "protocol": "http"}, {"failed": "not done"}],
        "ceiling": [{"what": "x, y", "in process (images/s)": 2.0, "served (images/s)": 1.9}],
        "overload": [{"what": "served"}],
        "before_after": [
            {
                "callers": callers,
                "service": service,
                **dict.fromkeys((key for key, _ in PANELS), 1.0),
                "p50 (s)": math.nan,
            }
            for callers in (1, 64)
            for service in ("before", "after")
        ],
    }
    (tmp_path / "overload_requests.csv").write_text("at_s,seconds,outcome\n0.5,0.1,ok\n1.5,0.01,busy\n")
    assert set(contents) == set(PLOTS)
    for name, rows in contents.items():
        picture = tmp_path / f"{name}.svg"
        PLOTS[name]({"rows": rows}, picture)
        first = picture.read_bytes()
        assert first.count(b"<svg") == 1
        PLOTS[name]({"rows": rows}, picture)
        assert picture.read_bytes() == first, "the same figures must give the same picture"
