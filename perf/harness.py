"""What every measurement needs: the machine's name, a server, a table, a file."""

import csv
import datetime
import json
import math
import os
import platform
import shlex
import socket
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from darkroom.server import Server

OUT = Path("out/perf")


def machine() -> dict[str, str]:
    """The machine and the day, as they stand beside every figure."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor()
    memory = round(psutil.virtual_memory().total / 2**30)
    return {
        "cpu": f"{os.cpu_count()} cores, {model}",
        "memory": f"{memory} GiB",
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def command() -> str:
    """The command that runs, with its arguments, so that every figure can be made again."""
    spec = sys.modules["__main__"].__spec__
    module = spec.name.removesuffix(".__main__") if spec else Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def server(models: Sequence[str], simulate: str = "", **environment: str) -> Server:
    """An embedded server on free loopback ports; `simulate` is DARKROOM_SIMULATE ("40,2"), empty for the real CPU."""
    env = dict(environment)
    if simulate:
        env["DARKROOM_SIMULATE"] = simulate
    OUT.mkdir(parents=True, exist_ok=True)
    name = "simulated" if simulate else "cpu"
    return Server(models=[*models, "jobs"], config_name=name, env=env, log_path=OUT / "server.log")


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile (0-100); nan of nothing."""
    return float(np.percentile(values, q)) if len(values) else float("nan")


def report(name: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Print the rows as a Markdown table and write them."""
    write(name, rows, **more)
    print(table(rows))
    print(f"\n{machine()['cpu']}, {machine()['memory']}, {machine()['date']}; written to {OUT / name}.json")


def write(name: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Write the rows to out/perf/<name>.csv, with the machine and the command to <name>.json."""
    OUT.mkdir(parents=True, exist_ok=True)
    content = {"command": command(), "machine": machine(), "rows": list(rows), **more}
    (OUT / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    write_csv(OUT / f"{name}.csv", rows)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Every row under the names that any of them has."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table; numbers with three significant digits, a dash where there was nothing to measure."""
    if not rows:
        return "(nothing)"
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(cell(row.get(head, "")) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """One figure as it stands in a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if math.isnan(value):
            return "-"
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def tree_rss(pid: int) -> int:
    """Resident bytes of a process and all its children, shared pages counted once (PSS)."""
    total = 0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def own_bytes(running: Server) -> int:
    """Bytes that nobody else has in memory: private pages of the server and its children, and their shared memory.

    Unlike `tree_rss` it does not change when other programs that map the same libraries come and go.
    """
    total = sum(path.stat().st_blocks * 512 for path in Path("/dev/shm").glob(f"{running.runtime_dir.name}*"))
    for process in [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]:
        try:
            total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def counters(url: str) -> dict[str, float]:
    """Sums over labels of every darkroom_* series at /metrics."""
    sums: dict[str, float] = {}
    with urllib.request.urlopen(url) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("darkroom_"):
                name = line.split("{", 1)[0]
                sums[name] = sums.get(name, 0.0) + float(line.rsplit(" ", 1)[1])
    return sums
