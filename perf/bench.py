"""Every figure of the README, made anew: `make bench` the main ones within half an hour, `make bench-long` the rest.

    python -m perf.bench [--long] [--only overload fairness]

Runs one measurement after the other, each bounded in time, and writes one page, out/perf/index.html, with every table
and plot, its machine and its date. A measurement that fails does not stop those behind it.
"""

import argparse
import datetime
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perf.harness import OUT, report, write
from perf.page import write_page

Row = dict[str, object]


@dataclass(frozen=True)
class Step:
    """One measurement: `python -m perf.<command>`."""

    command: str
    limit_s: float
    """Several times what it takes on an idle machine of two cores."""

    @property
    def module(self) -> str:
        return self.command.split()[0]


MAIN = (
    Step("before_after --seconds 30", 1500),
    Step("overload", 300),
    Step("fairness --photos 45", 300),
    Step("engine", 180),
    Step("batching", 300),
    Step("ceiling --turns 3 --seconds 8", 900),
    Step("overhead", 180),
    Step("quotes", 300),
    Step("memory", 180),
    Step("large --simulate 2,12", 600),
    Step("startup", 180),
    Step("tiling", 60),
    Step("shares", 120),
)
LONG = (
    Step("overloads", 600),
    Step("large", 3600),
    Step("gateway", 600),
    Step("clients", 900),
    Step("seams", 600),
    Step("codec --large", 900),
    Step("faces", 3600),
    Step("diffusion", 3600),
    Step("diffusion_full_size", 3600),
    Step("analyze --profile laptop", 3600),
    Step("calibrate", 900),
    Step("plan --rate 20 --slo 3s", 900),
    Step("plan --growth", 1800),
    Step("plan --validate", 1800),
    Step("plan.instances", 900),
    Step("peers --seconds 10", 7200),
    Step("scrape", 600),
    Step("heal", 3600),
    Step("scale_out", 600),
    Step("updates", 3600),
    Step("torture", 7200),
    Step("cancel --jobs 10000", 1800),
    Step("soak", 5400),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="what takes hours, instead of the main figures")
    parser.add_argument("--only", nargs="+", choices=sorted({step.module for step in MAIN + LONG}), metavar="NAME")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page of what is there")
    arguments = parser.parse_args()
    steps: tuple[Step, ...] = LONG if arguments.long else MAIN
    if arguments.only:
        steps = tuple(step for step in MAIN + LONG if step.module in arguments.only)
    if not arguments.page:
        name = "bench_long" if arguments.long else "bench"
        rows = run(steps, lambda rows: write(name, rows))
        report(name, rows)
    print(f"Look at {write_page(OUT)}")
    if not arguments.page and any(row["outcome"] != "done" for row in rows):
        raise SystemExit("Some measurements failed.")


def run(steps: Sequence[Step], keep: Callable[[list[Row]], None] = lambda rows: None) -> list[Row]:
    """One row a step: what was run, when it began, how long it took, and what became of it. `keep(rows)` is called
    after each: hours of measurements may be interrupted."""
    rows: list[Row] = []
    for step in steps:
        print(f"\n== python -m perf.{step.command}", flush=True)
        begun, started = datetime.datetime.now(datetime.UTC), time.monotonic()
        try:
            code = subprocess.run(
                [sys.executable, "-m", f"perf.{step.module}", *shlex.split(step.command)[1:]], timeout=step.limit_s
            ).returncode
            outcome = "done" if code == 0 else f"ended with {code}"
        except subprocess.TimeoutExpired:
            outcome = f"stopped after {step.limit_s:g} s"
        rows.append(
            {
                "command": f"python -m perf.{step.command}",
                "begun": f"{begun:%Y-%m-%d %H:%M} UTC",
                "took (s)": round(time.monotonic() - started),
                "outcome": outcome,
            }
        )
        keep(rows)
    return rows


if __name__ == "__main__":
    main()
