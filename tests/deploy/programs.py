"""Debian's Prometheus, the real one, on loopback."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from perf.harness import free_port

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
_DOWNLOADED = ROOT / ".cache" / "prometheus" / "usr" / "bin"
_PATIENCE_S = 60.0


def program(name: str) -> str:
    """`prometheus` or `promtool`: from the path, or where deploy/prometheus/download puts it."""
    found = shutil.which(name) or shutil.which(name, path=str(_DOWNLOADED))
    assert found, f"these tests need Debian's {name}: run deploy/prometheus/download"
    return found


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def prometheus(folder: Path, targets: dict[str, list[str]]) -> Iterator[str]:
    """Its base URL. Runs our own configuration on copies in `folder`, with `targets` (job -> host:ports) instead of the
    usual ports, and once a second instead of every five."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert set(targets) == {job["job_name"] for job in config["scrape_configs"]}
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    for name in config["rule_files"]:
        shutil.copy(PROMETHEUS / name, folder)
    (folder / "targets").mkdir()
    for job, addresses in targets.items():
        (folder / "targets" / f"{job}.yml").write_text(yaml.safe_dump([{"targets": addresses}]))
    url = f"http://127.0.0.1:{free_port()}"
    command = [program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += [f"--web.listen-address={url.removeprefix('http://')}", "--log.level=warn"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as child:
        try:
            give_up = time.monotonic() + _PATIENCE_S
            while not _ready(url):
                assert child.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < give_up, "Prometheus did not start"
                time.sleep(0.05)
            yield url
        finally:
            child.terminate()
            child.wait(_PATIENCE_S)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
            return True
    except OSError:
        return False


def api(url: str, path: str, **query: str) -> Any:
    """The `data` of an answer of Prometheus's HTTP API."""
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
        return json.load(answer)["data"]
