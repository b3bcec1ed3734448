"""Do quotes come true? Steady mixed load on the simulated device (40 ms a batch, 2 ms a unit) at 70 % of capacity;
every fourth job asks for a quote first and is sent right after it.

An error counts as small when it is at most 25 % of the quote or two batches of 32 units (208 ms), whichever is larger.
"""

import argparse
import asyncio
import random
import time

import numpy as np

from perf.harness import counters, percentile, report, server
from perf.load import Shot, client_of, closed_loop, photo, poisson, send
from perf.overload import SIMULATE, SIZES

BATCH_S = 0.040 + 0.002 * 32
"""A full batch of 32 units."""
LARGE_SHARE = 0.03
"""One job in about thirty is a photo of 1000x750."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--load", type=float, default=0.7, help="offered load over capacity")
    arguments = parser.parse_args()
    random.seed(3)
    with server(["super_resolution"], SIMULATE) as running:
        url = running.grpc_url
        asyncio.run(closed_loop(url, [_shot(0) for _ in range(100)], 32))
        started = time.perf_counter()
        asyncio.run(closed_loop(url, [_shot(0) for _ in range(400)], 32))
        peak = 400 / (time.perf_counter() - started)
        times = poisson(arguments.load * peak, arguments.seconds, seed=4)
        before = counters(running.metrics_url)
        pairs, kept = asyncio.run(_quoted(url, [_shot(t) for t in times]))
        time.sleep(1.2)
        after = counters(running.metrics_url)
    busy_s, batches = (
        after[name] - before[name] for name in ("darkroom_device_busy_seconds_total", "darkroom_batches_total")
    )
    batch_s = busy_s / batches
    errors = [abs(actual - quoted) for quoted, actual in pairs]
    small = [error <= max(0.25 * quoted, 2 * BATCH_S) for error, (quoted, _) in zip(errors, pairs, strict=True)]
    report(
        "quotes",
        [
            {"what": "quotes followed up", "value": len(pairs), "wanted": ""},
            {"what": "quoted, p50 (s)", "value": percentile([q for q, _ in pairs], 50), "wanted": ""},
            {"what": "actual, p50 (s)", "value": percentile([a for _, a in pairs], 50), "wanted": ""},
            {"what": "batch time, mean (s)", "value": batch_s, "wanted": ""},
            {"what": "error, p50 (s)", "value": percentile(errors, 50), "wanted": ""},
            {"what": "small errors (%)", "value": 100 * float(np.mean(small)), "wanted": ">= 90"},
            {"what": "promises kept (%)", "value": 100 * kept, "wanted": ">= 95"},
        ],
        peak_images_per_s=peak,
        pairs=pairs,
    )


def _shot(at_s: float) -> Shot:
    if random.random() < LARGE_SHARE:
        return Shot(at_s, photo(1000, 750))
    size = random.choice(SIZES)
    return Shot(at_s, photo(size, size, seed=random.randrange(8)))


async def _quoted(url: str, shots: list[Shot]) -> tuple[list[tuple[float, float]], float]:
    """(quoted, actual) seconds of every fourth shot, and the share of jobs done within their promise."""
    pairs: list[tuple[float, float]] = []
    kept: list[bool] = []
    async with client_of(url) as client:
        started = time.perf_counter()

        async def fire(number: int, shot: Shot) -> None:
            await asyncio.sleep(max(0.0, started + shot.at_s - time.perf_counter()))
            quoted = None
            if number % 4 == 0:
                asked = await send(client, Shot(shot.at_s, shot.data, options={"quote": True}), started, 60)
                quoted = asked.report["done_in_s"]
            outcome = await send(client, shot, started, 60)
            assert not outcome.error, outcome.error
            kept.append(bool(outcome.report["promise_kept"]))
            if quoted is not None:
                pairs.append((quoted, outcome.seconds))

        await asyncio.gather(*(fire(number, shot) for number, shot in enumerate(shots)))
    return pairs, sum(kept) / len(kept)


if __name__ == "__main__":
    main()
