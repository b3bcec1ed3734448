"""Steps or whole requests? Jobs of 4 and of 50 steps arrive at random; how long do the short ones take?

The same trace goes first to image_to_image, then to a task that batches whole requests (perf/whole_requests.py), both
on one server in one run. The device is simulated: Stable Diffusion 1.5 at 512x512 on an A100 as diffusers'
documentation has measured it (img2img, compiled, nightly torch of 2023): 46.32 steps a second for one picture and
17.25 for four, with guidance, so two latents a picture. That is 21.6 ms for 2 latents and 58.0 ms for 8: 9.5 ms a
batch and 6.06 ms a latent; 50 steps of one picture take 1.08 s.

Full load is what 24 callers get out of whole requests, each sending its next job when the last is answered; the trace
comes at a share of that.
"""

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.server import Server
from perf.harness import OUT, percentile, report
from perf.load import Outcome, Shot, closed_loop, open_loop, photo, poisson
from perf.whole_requests import DECODER_UNITS, ENCODER_UNITS

BATCH_MS, LATENT_MS = 9.5, 6.06
CALLERS = 24
SIDE = 64
"""Pixels. The tiny model's smallest bucket stands for 512: the device's time is simulated, the VAE runs on this CPU."""
SHORT_SHARE = 0.8
SHORT = {"steps": 4, "scheduler": "lcm", "guidance_scale": 1.0}
LONG = {"steps": 50, "scheduler": "dpmpp_2m", "guidance_scale": 7.5}
TASKS = {"image_to_image": "steps", "whole_requests": "whole requests"}
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="of arrivals, for each way of batching")
    parser.add_argument("--load", type=float, default=0.7, help="share of full load")
    parser.add_argument("--jobs", type=int, default=150, help="to measure full load with")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as running:
        crowd = shots([0.0] * arguments.jobs, arguments.seed)
        full = {task: _rate(_closed(running.grpc_url, task, crowd)) for task in TASKS}
        rate = arguments.load * full["whole_requests"]
        trace = shots(poisson(rate, arguments.seconds, arguments.seed), arguments.seed)
        for task, how in TASKS.items():
            outcomes = asyncio.run(open_loop(running.grpc_url, _of(task, trace), timeout_s=300.0))
            row = _row(outcomes, arguments.seconds)
            rows.append({"batched by": how, **row, "jobs/s at full load": full[task]})
    steps, whole = rows
    report(
        "diffusion",
        rows,
        ratio_p95_short=steps["4 steps p95 s"] / whole["4 steps p95 s"],
        curve_ms={"batch": BATCH_MS, "latent": LATENT_MS},
        jobs_per_s=rate,
        load=arguments.load,
    )
    print(f"p95 of the 4-step jobs: {steps['4 steps p95 s'] / whole['4 steps p95 s']:.2f} of that of whole requests")


def shots(times: Sequence[float], seed: int) -> list[Shot]:
    """One job at each of the times: short or long by lot."""
    lots = np.random.default_rng(seed).random(len(times)) < SHORT_SHARE
    data = photo(SIDE, SIDE, format="PNG")
    common = {"strength": 1.0, "prompt": "a watercolour", "deadline_s": 300.0}
    return [
        Shot(at, data, options={**common, **(SHORT if short else LONG), "seed": i}, kind="short" if short else "long")
        for i, (at, short) in enumerate(zip(times, lots, strict=True))
    ]


def _of(task: str, trace: Sequence[Shot]) -> list[Shot]:
    return [Shot(shot.at_s, shot.data, task, shot.options, shot.kind) for shot in trace]


def _row(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """`seconds`: how long jobs kept coming; what was answered meanwhile is the throughput."""
    _all_ok(outcomes)
    by_kind = {kind: [o.seconds for o in outcomes if o.shot.kind == kind] for kind in ("short", "long")}
    return {
        "4 steps p50 s": percentile(by_kind["short"], 50),
        "4 steps p95 s": percentile(by_kind["short"], 95),
        "50 steps p50 s": percentile(by_kind["long"], 50),
        "50 steps p95 s": percentile(by_kind["long"], 95),
        "jobs": len(outcomes),
        "jobs/s": sum(outcome.started_s + outcome.seconds <= seconds for outcome in outcomes) / seconds,
    }


def _rate(outcomes: Sequence[Outcome]) -> float:
    _all_ok(outcomes)
    return len(outcomes) / max(outcome.started_s + outcome.seconds for outcome in outcomes)


def _all_ok(outcomes: Sequence[Outcome]) -> None:
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert not failed, failed[0]


def _closed(url: str, task: str, crowd: Sequence[Shot]) -> list[Outcome]:
    asyncio.run(closed_loop(url, _of(task, shots([0.0] * 4, 0)), 4))  # prompts into the cache, costs learnt
    return asyncio.run(closed_loop(url, _of(task, crowd), CALLERS, timeout_s=300.0))


def _server(folder: Path) -> Server:
    OUT.mkdir(parents=True, exist_ok=True)
    environment = {
        "DARKROOM_SIMULATE": f"{BATCH_MS},{LATENT_MS}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return Server(_repository(folder), config_name="simulated", env=environment, log_path=OUT / "server.log")


def _repository(folder: Path) -> Path:
    """image_to_image as exported, its smallest bucket priced as 512x512, and the same model by whole requests."""
    exported = ROOT / "model_repository" / "image_to_image"
    ours = Path(shutil.copytree(exported, folder / "image_to_image", ignore=shutil.ignore_patterns("__pycache__")))
    version = ours / "1"
    facts = json.loads((version / "diffusion.json").read_text())
    edited = json.dumps(facts | {"sizes": [SIDE]})
    (version / "diffusion.json").write_text(edited)
    latent = facts["latent_channels"] * (SIDE // facts["latent_factor"]) ** 2
    records = json.loads((version / "networks.json").read_text())
    records["vae_encoder"]["files"]["diffusion.json"] = hashlib.sha256(edited.encode()).hexdigest()
    records["unet"]["simulated_unit"] = latent
    records["vae_encoder"]["simulated_unit"] = int(3 * SIDE * SIDE / ENCODER_UNITS)
    records["vae_decoder"]["simulated_unit"] = int(latent / DECODER_UNITS)
    (version / "networks.json").write_text(json.dumps(records))
    theirs = folder / "whole_requests"
    (theirs / "1").mkdir(parents=True)
    (theirs / "configs").mkdir()
    config = (ours / "configs" / "simulated.pbtxt").read_text().replace('"image_to_image"', '"whole_requests"')
    for path in (theirs / "config.pbtxt", theirs / "configs" / "simulated.pbtxt"):
        path.write_text(config)
    model = (version / "model.py").read_text().replace("darkroom.pipelines.image_to_image", "perf.whole_requests")
    (theirs / "1" / "model.py").write_text(model)
    (theirs / "1" / "networks.json").write_text("{}")
    tunables = json.loads((version / "pipeline.json").read_text())
    # A batch of whole requests takes seconds; the bound on a batch's time would cut it down to one request.
    tunables |= {"networks": {}, "engine": tunables["engine"] | {"max_batch_s": 60.0}}
    (theirs / "1" / "pipeline.json").write_text(json.dumps(tunables))
    return folder


if __name__ == "__main__":
    main()
