"""The load generators that others wrote reach a real server: perf_analyzer over both protocols, locust over REST."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gateway_process import gateway

from darkroom.server import Server
from perf.baselines.callers import Load, load
from perf.baselines.contenders import Running, process
from perf.load import photo

ROOT = Path(__file__).parents[2]


def test_perf_analyzer_measures_a_running_server(simulated: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "perf.analyze", "--http", simulated.http_url, "--grpc", simulated.grpc_url]
    wanted = ["--tasks", "super_resolution", "--sizes", "64x48", "--concurrency", "2", "--requests", "8"]
    done = subprocess.run(
        [*command, *wanted],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "out/perf/analyze.json").read_text())["rows"]
    assert [row["protocol"] for row in rows] == ["grpc", "http"]
    for row in rows:
        assert row["failed"] == ""
        assert row["images/s"] > 0
        assert row["p99 (ms)"] >= row["p50 (ms)"] > 0


def test_locusts_callers_are_served_and_counted(simulated: Server, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo(96, 96))
    with gateway(simulated.grpc_url) as url:
        row = load(Running(url, (simulated.pid,)), Load(callers=3, seconds=4.0, patience_s=30.0, photos=tmp_path))
    assert row["photographs"] > 3
    assert row["failed"] == 0
    assert row["images/s"] > 0
    assert row["p99 (s)"] >= row["p50 (s)"] > 0
    assert row["memory (MiB)"] > 50


@pytest.mark.parametrize(("file", "status"), [(photo(64, 64), 200), (b"no picture", 415)])
def test_the_old_contract_is_kept_for_callers(simulated: Server, file: bytes, status: int) -> None:
    with gateway(simulated.grpc_url) as url:
        assert process(url, file, timeout_s=60.0) == status
