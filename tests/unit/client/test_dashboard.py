"""The dashboard's parts without a Prometheus: charts, labels, and what is said when it cannot be asked."""

import io
import json
import re
import urllib.error
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from darkroom_client import BadOption, Unavailable
from darkroom_client.cli.dashboard import prometheus
from darkroom_client.cli.dashboard.chart import HEIGHT, WIDTH, label, legend, svg
from darkroom_client.cli.dashboard.page import page
from darkroom_client.cli.dashboard.panels import ROWS, Query
from darkroom_client.cli.dashboard.prometheus import Line, Prometheus

QUERY = Query("up", "{job}: {instance}")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.25, "s", "250 ms"),
        (0.0, "s", "0 s"),
        (1.5, "s", "1.5 s"),
        (0.853, "percentunit", "85.3 %"),
        (12.34, "ops", "12.3/s"),
        (3.2e7, "bytes", "32 MB"),
        (4096, "short", "4.1 k"),
        (2, "short", "2"),
    ],
)
def test_values_for_people(value: float, unit: str, words: str) -> None:
    assert label(value, unit) == words


def drawn(*lines: Line, unit: str = "short") -> ElementTree.Element:
    return ElementTree.fromstring(svg(lines, unit, 0.0, 100.0))


def paths(chart: ElementTree.Element) -> list[list[tuple[float, float]]]:
    found = [path.attrib["d"] for path in chart.iter("path") if path.attrib["class"] == "line"]
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", path)] for path in found]


def test_a_line_goes_from_left_to_right_and_higher_is_up() -> None:
    (line,) = paths(drawn(Line("a", ((0.0, 0.0), (50.0, 5.0), (100.0, 10.0)))))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)


def test_nothing_is_drawn_through_times_without_values() -> None:
    broken = Line("a", ((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (50.0, 1.0), (51.0, 1.0)))
    assert [len(piece) for piece in paths(drawn(broken))] == [3, 2]


@pytest.mark.parametrize("highest", [0.0, 1e-9, 0.7, 1.0, 3.0, 999.0, 1.0001e6, 7e12])
def test_the_highest_value_is_on_the_chart_between_a_few_grid_lines(highest: float) -> None:
    chart = drawn(Line("a", ((0.0, highest), (1.0, highest))))
    grid = [path for path in chart.iter("path") if path.attrib["class"] == "grid"]
    assert 2 <= len(grid) <= 6
    assert all(y >= 0 for line in paths(chart) for _, y in line)


def test_a_chart_without_lines_says_so() -> None:
    assert "no data" in "".join(drawn().itertext())


def test_names_are_text_and_never_markup() -> None:
    assert "<script>" not in legend([Line("<script>", ((0.0, 1.0),))], "s")


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def urlopen(url: str, timeout: float) -> io.BytesIO:
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(json.dumps(answer).encode())

    monkeypatch.setattr(prometheus.urllib.request, "urlopen", urlopen)


def test_series_become_lines_with_names_of_their_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [
        {"metric": {"job": "b", "instance": "1"}, "values": [[1, "2"], [2, "NaN"], [3, "+Inf"], [4, "5"]]},
        {"metric": {"job": "a"}, "values": [[1, "1"]]},
        {"metric": {"job": "empty"}, "values": [[1, "NaN"]]},
    ]
    answering(monkeypatch, {"data": {"result": series}})
    found = Prometheus("http://x/").lines(QUERY, 0, 10)
    assert found == [Line("a:", ((1.0, 1.0),)), Line("b: 1", ((1.0, 2.0), (4.0, 5.0)))]


def test_what_goes_wrong_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadOption, match="must start with http:// or https://, got 'x:9090'"):
        Prometheus("x:9090")
    body = io.BytesIO(b'{"error": "parse error"}')
    answering(monkeypatch, urllib.error.HTTPError("http://x", 400, "Bad Request", {}, body))  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="refused 'up': parse error"):
        Prometheus("http://x").lines(QUERY, 0, 10)
    answering(monkeypatch, {"not": "Prometheus"})
    with pytest.raises(Unavailable, match="does not answer"):
        Prometheus("http://x").lines(QUERY, 0, 10)


def test_the_page_has_every_panel_and_asks_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"data": {"result": []}})
    drawn_page = page(Prometheus("http://x"), 5)
    titles = [panel.title for row in ROWS for panel in row.panels]
    assert re.findall("<h3>(.*?)</h3>", drawn_page) == titles
    assert len(set(titles)) == len(titles)
    assert not re.search(r"(?:src|href|url)\W{1,3}https?:", drawn_page)
