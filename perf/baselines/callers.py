"""Locust's callers against one service: started, watched, and what they wrote read back."""

import json
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from perf.baselines.contenders import Running
from perf.harness import percentile, tree_rss
from perf.tools import tool

REST = 2.0
"""Times the patience: how long after the load what was refused is still sent again."""
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
SAMPLE_S = 0.5


@dataclass(frozen=True)
class Load:
    """What a run of locust is told."""

    callers: int
    seconds: float
    patience_s: float
    photos: Path
    """Folder of encoded files."""


def load(running: Running, asked: Load) -> dict[str, Any]:
    """Put the load on the service; one row of figures. Raises SystemExit when locust fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "photographs.jsonl"
        memory = _Memory(running.pids)
        try:
            done = subprocess.run(
                _command(running.url, asked),
                env=os.environ | _settings(asked, out),
                capture_output=True,
                text=True,
                timeout=asked.seconds + (REST + 1) * asked.patience_s + 60,
            )
        except subprocess.TimeoutExpired:
            raise SystemExit("locust did not end: an answer was outstanding for longer than anyone waits.") from None
        finally:
            highest = memory.stop()
        if done.returncode != 0 or not out.exists():
            raise SystemExit(f"locust failed: {done.stderr[-2000:]}")
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    return summary(lines, asked) | {"memory (MiB)": round(highest / 2**20)}


def _settings(asked: Load, out: Path) -> dict[str, str]:
    rest_s = REST * asked.patience_s
    return {"PHOTOS": str(asked.photos), "SECONDS": str(asked.seconds), "REST_S": str(rest_s), "OUT": str(out)}


def _command(url: str, asked: Load) -> list[str]:
    return [
        *(str(tool("locust")), "-f", str(LOCUSTFILE), "--host", url, "--headless", "--only-summary"),
        *("--users", str(asked.callers), "--spawn-rate", str(asked.callers), "--exit-code-on-error", "0"),
        # whatever was begun is settled: the last attempt ends with 504 at the latest
        *("--run-time", f"{int(asked.seconds) + 1}s"),
        *("--stop-timeout", f"{int((REST + 1) * asked.patience_s) + 10}s"),
    ]


def summary(lines: list[dict[str, Any]], asked: Load) -> dict[str, Any]:
    """Figures of one run: a line for every photograph, with all attempts at it.

    Latencies in seconds are of answered attempts; `turnaround` runs from a photograph's first attempt to its end,
    waits and repetitions included, and counts those never answered with the time they had spent by then. What comes
    after the load counts in latencies and turnarounds, not in throughput.
    """
    attempts = [attempt for line in lines for attempt in line["attempts"]]
    served = [line for line in lines if line["status"] == 200]
    within = [line for line in served if line["ended_s"] <= asked.seconds]
    in_time = [line for line in within if line["ended_s"] - line["begun_s"] <= asked.patience_s]
    answers = [attempt["seconds"] for attempt in attempts if attempt["status"] == 200]
    turnarounds = [line["ended_s"] - line["begun_s"] for line in lines]
    refusals = [attempt["seconds"] for attempt in attempts if attempt["status"] in (429, 503)]
    timeouts = sum(attempt["status"] == 504 for attempt in attempts)
    return {
        "photographs": len(lines),
        "p50 (s)": percentile(answers, 50),
        "p99 (s)": percentile(answers, 99),
        "turnaround p50 (s)": percentile(turnarounds, 50),
        "turnaround p99 (s)": percentile(turnarounds, 99),
        "images/s": len(within) / asked.seconds,
        "goodput (images/s)": len(in_time) / asked.seconds,
        "504 (%)": 100 * timeouts / max(1, len(lines)),
        "refusals": len(refusals),
        "refusal p50 (ms)": 1000 * percentile(refusals, 50),
        "failed": len(lines) - len(served) - sum(line["status"] in (429, 503, 504) for line in lines),
    }


class _Memory:
    """Highest memory of some process trees, sampled twice a second; bytes."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        self._pids = pids
        self._highest = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            try:
                self._highest = max(self._highest, sum(tree_rss(pid) for pid in self._pids))
            except psutil.Error:  # a process ended between our looks
                continue

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._highest
