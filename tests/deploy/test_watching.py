"""The real Prometheus scrapes a live server, its supervisor and a gateway under load: every rule loads, every panel
has data. Only a GPU's series are served by the test itself (pages.py).
"""

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from darkroom_client.cli.dashboard.panels import ROWS, Query
from flights import BIG, THUMBNAIL, simulated_server
from gateway_process import gateway
from wire import until

from darkroom.server import Server
from darkroom.server.health_page import HealthPage
from darkroom.server.status import Status
from darkroom.server.supervisor import Supervisor
from tests.deploy.pages import GPU, metrics_page
from tests.deploy.programs import api, prometheus

QUERIES = [query for row in ROWS for panel in row.panels for query in panel.queries]


@dataclass(frozen=True)
class Watched:
    prometheus: str
    gateway: str


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Under load for as long as the tests run."""
    done = threading.Event()
    with (
        simulated_server("10,4") as server,
        supervised(server) as supervisor,
        gateway(server.grpc_url, "--held-pictures", "2") as front,  # of four callers some are refused
        metrics_page(GPU) as gpu,
    ):
        triton = server.metrics_url.removeprefix("http://").removesuffix("/metrics")
        gateways = [front.removeprefix("http://")]
        targets = {"triton": [triton, gpu], "gateway": gateways, "supervisor": [supervisor]}
        with prometheus(tmp_path_factory.mktemp("prometheus"), targets) as url:
            callers = [threading.Thread(target=call, args=(front, done)) for _ in range(4)]
            for caller in callers:
                caller.start()
            try:
                yield Watched(url, front)
            finally:
                done.set()
                for caller in callers:
                    caller.join()


@contextlib.contextmanager
def supervised(server: Server) -> Iterator[str]:
    """`host:port` of the health page of a supervisor."""
    status = Status()
    page = HealthPage(status, "127.0.0.1", 0)
    try:
        with Supervisor(server, status=status, say=lambda line: None):
            yield f"127.0.0.1:{page.port}"
    finally:
        page.close()


def call(front: str, done: threading.Event) -> None:
    """Pictures, mostly; one that is none, one with a wrong option, one whose deadline nobody can meet."""
    path = "/v1/super-resolution?scale=2"
    with httpx.Client(base_url=front, timeout=60) as client:
        while not done.wait(0.1):
            for _ in range(3):
                client.post(path, content=THUMBNAIL)
            client.post(path, content=THUMBNAIL[:40])
            client.post(f"{path}&network=none", content=THUMBNAIL)
            client.post(f"{path}&deadline_s=0.01", content=BIG)


def has_data(watched: Watched, promql: str) -> bool:
    found = api(watched.prometheus, "query", query=promql)["result"]
    return any(series["value"][1] != "NaN" for series in found)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.promql)
def test_every_panel_has_data(watched: Watched, query: Query) -> None:
    until(lambda: has_data(watched, query.promql))
    for series in api(watched.prometheus, "query", query=query.promql)["result"]:
        missing = set(re.findall(r"\{(\w+)\}", query.legend)) - set(series["metric"])
        assert not missing, f"the legend names labels that the series do not have: {missing}"


def test_all_is_scraped_and_all_rules_work(watched: Watched) -> None:
    until(lambda: all(t["health"] == "up" for t in api(watched.prometheus, "targets")["activeTargets"]))
    groups = until(lambda: evaluated(watched))
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 10
    assert {rule["health"] for rule in rules} == {"ok"}, [rule.get("lastError") for rule in rules]
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    for name in recorded:
        until(lambda name=name: has_data(watched, name) or "failed" in name)


def evaluated(watched: Watched) -> list[dict[str, object]]:
    groups: list[dict[str, object]] = api(watched.prometheus, "rules")["groups"]
    unknown = any(rule["health"] == "unknown" for group in groups for rule in group["rules"])  # type: ignore[attr-defined]
    return [] if unknown else groups


def test_top_draws_the_same_panels(watched: Watched, tmp_path: Path) -> None:
    until(lambda: all(has_data(watched, query.promql) for query in QUERIES))
    command = [sys.executable, "-c", "from darkroom_client.cli import main; main()", "top", "--html", "top.html"]
    command += ["--prometheus", watched.prometheus, "--minutes", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "top.html").read_text()
    assert page.count("<svg") == sum(len(row.panels) for row in ROWS)
    assert "no data" not in page
    assert not re.search(r"""(?:src|href|url)\W{1,3}https?://""", page)


def test_top_without_prometheus_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from darkroom_client.cli import main; main()", "top", "--html", "top.html"]
    done = subprocess.run(
        [*command, "--prometheus", "http://127.0.0.1:9"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3
    assert "Prometheus at http://127.0.0.1:9 does not answer" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())
