"""The Grafana dashboard, made of the client's table of panels: `python deploy/grafana/dashboard.py` writes
dashboards/darkroom.json beside it, which Grafana is provisioned with.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darkroom_client.cli.dashboard.panels import ROWS, Panel

FILE = Path(__file__).with_name("dashboards") / "darkroom.json"
UID = "darkroom"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
"""The uid that provisioning/datasources gives it."""
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 8
"""Grafana's grid is 24 units wide."""
_SCHEMA = 39
"""Of Grafana 10 and later; newer ones migrate it when they load it."""


def dashboard() -> dict[str, Any]:
    """As Grafana's JSON model has it."""
    return {
        "uid": UID,
        "title": "Darkroom",
        "tags": ["darkroom"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 1, 0
    for row in ROWS:
        place = {"x": 0, "y": y, "w": _COLUMNS * _WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, y = number + 1, y + 1
        for index, panel in enumerate(row.panels):
            down, across = divmod(index, _COLUMNS)
            place = {"x": across * _WIDTH, "y": y + down * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield _chart(panel, number, place)
            number += 1
        y += -(-len(row.panels) // _COLUMNS) * _HEIGHT


def _chart(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": query.promql,
            "legendFormat": re.sub(r"\{(\w+)\}", r"{{\1}}", query.legend),
        }
        for index, query in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(dashboard(), indent=1) + "\n")
