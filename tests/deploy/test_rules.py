"""The Prometheus configuration, rules and alerts by promtool; the Grafana files as far as they can be checked without
Grafana."""

import importlib.util
import json
import re
from types import ModuleType
from typing import Any

import pytest
import yaml
from darkroom_client.cli.dashboard.panels import ROWS

from tests.deploy.programs import PROMETHEUS, ROOT, promtool

GRAFANA = ROOT / "deploy" / "grafana"


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_promtool_takes_the_configuration_and_what_it_names() -> None:
    checked = promtool("check", "config", "--lint=all", str(PROMETHEUS / "prometheus.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 rule files found" in checked.stdout


def test_every_alert_fires_on_its_trouble_and_only_then() -> None:
    file = ROOT / "tests" / "deploy" / "alerts_test.yml"
    checked = promtool("test", "rules", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = [case for test in yaml.safe_load(file.read_text())["tests"] for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    assert fired == silent == {rule["alert"] for rule in rules("alerts.yml")}


def test_the_usual_targets_are_the_usual_ports() -> None:
    ports = {"triton": 8002, "gateway": 8080, "supervisor": 8003}
    for job, port in ports.items():
        assert yaml.safe_load((PROMETHEUS / "targets" / f"{job}.yml").read_text()) == [
            {"targets": [f"127.0.0.1:{port}"]}
        ]


@pytest.mark.parametrize("rule", rules("alerts.yml"), ids=lambda rule: rule["alert"])
def test_every_alert_has_its_place_in_the_runbook(rule: dict[str, Any]) -> None:
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert rule["labels"]["severity"] in ("page", "ticket")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboard", GRAFANA / "dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboard_is_what_its_program_makes() -> None:
    made = generator()
    assert json.loads(made.FILE.read_text()) == made.dashboard()


def test_the_dashboards_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = generator().dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    charts = [panel for panel in panels if panel["type"] == "timeseries"]
    assert len(charts) == sum(len(row.panels) for row in ROWS)
    for chart in charts:
        refs = [target["refId"] for target in chart["targets"]]
        assert len(set(refs)) == len(refs) > 0


def test_the_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    asked = {panel["datasource"]["uid"] for panel in generator().dashboard()["panels"] if "datasource" in panel}
    assert asked == {source["uid"]}
    assert source["type"] == "prometheus"
