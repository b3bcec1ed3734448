"""Who batches what, with each switched off: Triton's dynamic batching, the engine's batches, both.

Simulated device, 40 ms a batch and 2 ms a unit; 32 callers, photos of 96 to 384 pixels.
"""

import argparse
import asyncio
import json
import random
import re
import shutil
import tempfile
import time
from pathlib import Path

from darkroom.server import Server
from perf.harness import percentile, report
from perf.load import closed_loop
from perf.overload import SIMULATE, mixed_shot

REPOSITORY = Path("model_repository")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    count = parser.parse_args().jobs
    rows = []
    for name, triton, engine in (
        ("both, as shipped", True, True),
        ("without Triton's dynamic batching", False, True),
        ("without the engine's batches (1 unit a run)", True, False),
        ("neither", False, False),
    ):
        with tempfile.TemporaryDirectory() as folder:
            rate, p50, p99 = _measure(_repository(Path(folder), triton, engine), count if engine else count // 4)
        rows.append({"": name, "images/s": rate, "p50 (s)": p50, "p99 (s)": p99})
    report("batching", rows)


def _repository(folder: Path, triton: bool, engine: bool) -> Path:
    """A copy of super_resolution and jobs with one or the other switched off."""
    for model in ("super_resolution", "jobs"):
        shutil.copytree(REPOSITORY / model, folder / model)
    if not triton:
        config = folder / "super_resolution/configs/simulated.pbtxt"
        text = re.sub(r"^max_batch_size: \d+", "max_batch_size: 1", config.read_text(), flags=re.MULTILINE)
        config.write_text(text)
    if not engine:
        pipeline = folder / "super_resolution/1/pipeline.json"
        content = json.loads(pipeline.read_text())
        content["engine"]["max_batch"] = 1
        pipeline.write_text(json.dumps(content))
    return folder


def _measure(repository: Path, count: int) -> tuple[float, float, float]:
    random.seed(1)
    with Server(repository, config_name="simulated", env={"DARKROOM_SIMULATE": SIMULATE}) as running:
        asyncio.run(closed_loop(running.grpc_url, [mixed_shot(0, {}) for _ in range(32)], 32))
        started = time.perf_counter()
        outcomes = asyncio.run(closed_loop(running.grpc_url, [mixed_shot(0, {}) for _ in range(count)], 32))
        elapsed = time.perf_counter() - started
    assert not any(outcome.error for outcome in outcomes), outcomes[0].error
    seconds = [outcome.seconds for outcome in outcomes]
    return count / elapsed, percentile(seconds, 50), percentile(seconds, 99)


if __name__ == "__main__":
    main()
