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
                env=os.environ | {"PHOTOS": str(asked.photos), "SECONDS": str(asked.seconds), "OUT": str(out)},
                capture_output=True,
                text=True,
                timeout=asked.seconds + 2 * asked.patience_s + 60,
            )
        finally:
            highest = memory.stop()
        if done.returncode != 0 or not out.exists():
            raise SystemExit(f"locust failed: {done.stderr[-2000:]}")
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    return summary(lines, asked) | {"memory (MiB)": round(highest / 2**20)}


def _command(url: str, asked: Load) -> list[str]:
    return [
        *(str(tool("locust")), "-f", str(LOCUSTFILE), "--host", url, "--headless", "--only-summary"),
        *("--users", str(asked.callers), "--spawn-rate", str(asked.callers), "--exit-code-on-error", "0"),
        # whoever still waits when the load ends is waited for: 504 comes after `patience_s` at the latest
        *("--run-time", f"{int(asked.seconds) + 1}s", "--stop-timeout", f"{int(asked.patience_s) + 10}s"),
    ]


def summary(lines: list[dict[str, Any]], asked: Load) -> dict[str, Any]:
    """Figures of one run: a line for every photograph, with all attempts at it.

    Latencies in seconds are of answered attempts; `turnaround` runs from a photograph's first attempt to its end,
    waits and repetitions included, and counts those never answered with the time they had spent by then.
    """
    attempts = [attempt for line in lines for attempt in line["attempts"]]
    served = [line for line in lines if line["status"] == 200]
    in_time = [line for line in served if line["ended_s"] - line["begun_s"] <= asked.patience_s]
    within = [line for line in served if line["ended_s"] <= asked.seconds]
    answers = [attempt["seconds"] for attempt in attempts if attempt["status"] == 200]
    turnarounds = [line["ended_s"] - line["begun_s"] for line in lines]
    refusals = [attempt["seconds"] for attempt in attempts if attempt["status"] in (429, 503)]
    timeouts = sum(attempt["status"] == 504 for attempt in attempts)
    # from the first to the last answer there was load all the time, so all of them count over all of it
    span = max([asked.seconds, *(line["ended_s"] for line in lines)])
    return {
        "photographs": len(lines),
        "p50 (s)": percentile(answers, 50),
        "p99 (s)": percentile(answers, 99),
        "turnaround p50 (s)": percentile(turnarounds, 50),
        "turnaround p99 (s)": percentile(turnarounds, 99),
        "images/s": len(within) / asked.seconds,
        "goodput (images/s)": len(in_time) / span,
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
