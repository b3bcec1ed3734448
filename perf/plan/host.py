"""What a machine's processor takes for everything but the network: measured from receipts of one caller at a time."""

import asyncio
import os

import numpy as np

from perf.load import Outcome, Shot, closed_loop, photo
from perf.plan.curves import Curve
from perf.plan.jobs import Host, Kind

REPEATS = 12
"""Pictures of each size; their medians count."""


def measure(url: str, kinds: list[Kind], curve: Curve) -> Host:
    """Of the machine on which a server answers at `url` (gRPC) on a simulated device with this curve. `kinds` of at
    least two sizes."""
    decode, encode, place, rest = [], [], [], []
    for kind in kinds:
        shots = [Shot(0, photo(kind.width, kind.height, seed)) for seed in range(REPEATS)]
        outcomes = asyncio.run(closed_loop(url, shots, 1))
        device_s = sum(curve.seconds(n * h * w / 128**2) for (h, w), n in kind.tiles.items())
        produced = sum(n * h * w for (h, w), n in kind.tiles.items()) * kind.scale**2
        decode.append((kind.pixels_in, _median(outcomes, "decode_ms")))
        encode.append((kind.pixels_out, _median(outcomes, "encode_ms")))
        place.append((produced, max(0.0, _median(outcomes, "infer_ms") - device_s)))
        known = ("queue_ms", "decode_ms", "infer_ms", "encode_ms")
        inside = [sum(outcome.report[key] for key in known) / 1000 for outcome in outcomes]
        rest.append(float(np.median([o.seconds - s for o, s in zip(outcomes, inside, strict=True)])))
    return Host(
        codec_threads=os.cpu_count() or 1,
        decode_s=_slope(decode),
        encode_s=_slope(encode),
        place_s=_slope(place),
        job_s=float(np.median(rest)),
    )


def _median(outcomes: list[Outcome], key: str) -> float:
    return float(np.median([outcome.report[key] for outcome in outcomes])) / 1000


def _slope(points: list[tuple[int, float]]) -> float:
    """Seconds a pixel, of a line through the origin: what does not grow with the picture is `job_s`'s."""
    pixels, seconds = (np.array(column, float) for column in zip(*points, strict=True))
    return float(pixels @ seconds / (pixels @ pixels))
