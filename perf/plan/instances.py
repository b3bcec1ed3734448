"""One engine process or two on one device: `python -m perf.plan.instances`.

The real server on a simulated device; two processes mean two copies of the weights, two lines whose batches are less
full, and turns on the device, as two CUDA contexts take them without MPS.
"""

import argparse
import asyncio
import random
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from darkroom.server import Server
from perf.harness import percentile, report, tree_rss
from perf.load import Shot, closed_loop, photo
from perf.overload import SIZES

REPOSITORY = Path("model_repository")
DEVICES = ("40,2", "8,2")
MODELS = ("super_resolution", "jobs")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.plan.instances", description=__doc__)
    parser.add_argument("--jobs", type=int, default=400, help="pictures of each run")
    parser.add_argument("--callers", type=int, default=32)
    arguments = parser.parse_args()
    rows = []
    for device in DEVICES:
        for count in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                repository = with_instances(Path(folder), count)
                rows.append(_measure(repository, device, count, arguments.jobs, arguments.callers))
    report("plan_instances", rows)


def with_instances(folder: Path, count: int) -> Path:
    """A copy of the repository's super_resolution with `count` instances of its simulated configuration."""
    for model in MODELS:
        shutil.copytree(REPOSITORY / model, folder / model, ignore=shutil.ignore_patterns("__pycache__"))
    config = folder / "super_resolution/configs/simulated.pbtxt"
    text, changed = re.subn(r"(?m)^    count: \d+", f"    count: {count}", config.read_text())
    if changed != 1:
        raise ValueError(f"{config} should name one instance count, and names {changed}.")
    config.write_text(text)
    return folder


def _measure(repository: Path, device: str, count: int, jobs: int, callers: int) -> dict[str, Any]:
    with Server(repository, config_name="simulated", env={"DARKROOM_SIMULATE": device}) as running:
        url = running.grpc_url
        asyncio.run(closed_loop(url, _shots(2 * callers, 0), callers))
        started = time.perf_counter()
        outcomes = asyncio.run(closed_loop(url, _shots(jobs, 1), callers))
        elapsed = time.perf_counter() - started
        memory = tree_rss(running.pid)
    good = [outcome for outcome in outcomes if outcome.reason == "ok"]
    units = sum(outcome.report["units"] for outcome in good)
    return {
        "device (ms a batch, a unit)": device,
        "instances": count,
        "images/s": len(good) / elapsed,
        "units/s": units / elapsed,
        "p50 (s)": percentile([outcome.seconds for outcome in good], 50),
        "p99 (s)": percentile([outcome.seconds for outcome in good], 99),
        "failed": len(outcomes) - len(good),
        "memory (MiB)": round(memory / 2**20),
    }


def _shots(count: int, seed: int) -> list[Shot]:
    rng = random.Random(seed)
    sides = rng.choices(SIZES, k=count)
    return [Shot(0, photo(side, side, rng.randrange(8)), options={"deadline_s": 120}) for side in sides]


if __name__ == "__main__":
    main()
