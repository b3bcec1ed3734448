"""More than a server can do, where another thing is short each time: `python -m perf.overloads`.

The device (40 ms a batch and 2 ms a unit); device and processor alike (8 ms + 2 ms); the codecs, beside a device that
is as fast as an A100 on paper (perf/plan/a100.json), with larger photos among the small. Poisson arrivals.
"""

import argparse
from dataclasses import replace
from typing import Any

from perf.harness import percentile, report
from perf.overload import Load, measure
from perf.plan.curves import ON_PAPER

LOADS = {
    "the device: 40 ms + 2 ms": Load(simulate="40,2"),
    "device and processor: 8 ms + 2 ms": Load(simulate="8,2"),
    "the codecs: an A100 on paper": Load(
        simulate=f"@{ON_PAPER.resolve()}",
        times=2.0,
        deadline=(3.0,),
        sizes=(256, 256, 256, 256, 256, 256, 512, 512, 512, 1200),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.overloads", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    seconds = parser.parse_args().seconds
    report("overloads", [_row(name, load, seconds) for name, load in LOADS.items()])


def _row(name: str, load: Load, seconds: float) -> dict[str, Any]:
    result = measure(replace(load, seconds=seconds))
    answers = [outcome.seconds for outcome in result.ok]
    return {
        "what is short": name,
        "deadline (s)": max(load.deadline),
        "offered/s": result.offered,
        "served/s": result.served,
        "late (%)": result.late,
        "refusal p50 (ms)": result.refusal_ms(50),
        "refusal p99 (ms)": result.refusal_ms(99),
        "answer p50 (s)": percentile(answers, 50),
        "answer p99 (s)": percentile(answers, 99),
    }


if __name__ == "__main__":
    main()
