"""One run of perf_analyzer: its command line, its input file, its CSV."""

import base64
import csv
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.analyze.profiles import Point
from perf.load import photo
from perf.tools import environment, tool

COLUMNS = {
    "Inferences/Second": "images/s",
    "p50 latency": "p50 (ms)",
    "p90 latency": "p90 (ms)",
    "p99 latency": "p99 (ms)",
    "Server Queue": "execute() queue (ms)",
    "Server Compute Infer": "execute() (ms)",
}
"""Of perf_analyzer's columns, those we show; it counts times in microseconds."""


@dataclass(frozen=True)
class Addresses:
    """Where the server listens, `host:port`."""

    http: str
    grpc: str


def measure(point: Point, addresses: Addresses, requests: int, folder: Path, limit_s: float) -> dict[str, Any]:
    """One row; `failed` says why where perf_analyzer ended without figures. `folder`: for its files."""
    picture = photo(point.width, point.height)
    data = folder / "input.json"
    data.write_text(json.dumps(input_data(picture)))
    out = folder / "out.csv"
    out.unlink(missing_ok=True)
    row: dict[str, Any] = {
        "task": point.task,
        "size": f"{point.width}x{point.height}",
        "protocol": point.protocol,
        "load": point.load,
    }
    try:
        done = subprocess.run(
            command(point, addresses, requests, len(picture), data, out),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return row | dict.fromkeys(COLUMNS.values(), "") | {"failed": f"not done after {limit_s:g} s"}
    if done.returncode != 0 or not out.exists():
        return row | dict.fromkeys(COLUMNS.values(), "") | {"failed": reason(done.stdout)}
    return row | figures(out.read_text()) | {"failed": ""}


def input_data(picture: bytes) -> dict[str, Any]:
    """perf_analyzer's input file for one encoded picture."""
    content = {"b64": base64.b64encode(picture).decode()}
    return {"data": [{"image": {"content": content, "shape": [len(picture)]}}]}


def command(point: Point, addresses: Addresses, requests: int, size: int, data: Path, out: Path) -> list[str]:
    """`requests` at least; several for each that is under way, so that the first and last weigh little."""
    count = max(requests, 4 * point.concurrency)
    load = ["--concurrency-range", str(point.concurrency)]
    if not point.concurrency:
        load = ["--request-rate-range", f"{point.rate:g}", "--request-distribution", "poisson"]
    return [
        *(str(tool("perf_analyzer")), "-m", point.task, "-i", point.protocol),
        *("-u", addresses.grpc if point.protocol == "grpc" else addresses.http),
        *("--input-data", str(data), "--shape", f"image:{size}"),
        *("--request-count", str(count), "--async", *load, "-f", str(out)),
    ]


def figures(text: str) -> dict[str, float]:
    """The row of perf_analyzer's CSV under our names; milliseconds. Raises ValueError when it holds none."""
    rows = [row for row in csv.DictReader(text.splitlines()) if row.get("Inferences/Second")]
    if not rows:
        raise ValueError("perf_analyzer wrote a CSV without figures.")
    found = {}
    for theirs, ours in COLUMNS.items():
        value = float(rows[0][theirs])
        found[ours] = value / 1000 if ours.endswith("(ms)") else value
    return found


def reason(output: str) -> str:
    """The line in which perf_analyzer says why it ended."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "ailed" in line]
    return (telling or lines or ["it said nothing"])[-1]
