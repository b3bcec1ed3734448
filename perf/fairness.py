"""A thumbnail among large photos: how long does it wait, and what do the photos pay for letting it through?

Simulated device, 40 ms a batch and 2 ms a unit. Three callers keep three 2000x1500 photos in work; a thumbnail of
96x96 comes in every second (alone on the device it takes a batch of 42 ms, which is its own 4 % of the device).
"""

import argparse
import asyncio

from perf.harness import percentile, report, server
from perf.load import Outcome, Shot, closed_loop, open_loop, photo

SIMULATE = "40,2"
FULL_BATCH_S = 0.040 + 0.002 * 32 * (280 / 128) ** 2
"""32 tiles of 280x280, each 4.8 units of 128x128."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=90, help="photos in each of the two runs")
    photos = parser.parse_args().photos
    large = Shot(0, photo(2000, 1500), kind="photo")
    thumbnail = photo(96, 96)
    with server(["super_resolution"], SIMULATE) as running:
        url = running.grpc_url
        alone = asyncio.run(closed_loop(url, [Shot(0, thumbnail) for _ in range(20)], 1))
        own_s = percentile([outcome.seconds for outcome in alone], 50)
        before, _ = asyncio.run(_mixed(url, large, photos, []))
        shots = [Shot(0.5 + i, thumbnail, kind="thumbnail") for i in range(int(before))]
        during, small = asyncio.run(_mixed(url, large, photos, shots))
    seconds = [outcome.seconds for outcome in small]
    loss = 1 - before / during
    report(
        "fairness",
        [
            {"what": "thumbnail alone, p50", "s": own_s, "allowed": ""},
            {"what": "thumbnail among photos, p50", "s": percentile(seconds, 50), "allowed": ""},
            {
                "what": "thumbnail among photos, p99",
                "s": percentile(seconds, 99),
                "allowed": f"{5 * FULL_BATCH_S + own_s:.2f}",
            },
            {"what": f"{photos} photos without thumbnails", "s": before, "allowed": ""},
            {"what": f"{photos} photos with thumbnails", "s": during, "allowed": f"{before / 0.95:.2f}"},
        ],
        thumbnails=len(small),
        photo_throughput_lost=loss,
    )


async def _mixed(url: str, large: Shot, photos: int, shots: list[Shot]) -> tuple[float, list[Outcome]]:
    """Seconds for `photos` large ones by three callers, and the outcomes of the small ones meanwhile."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    small = asyncio.create_task(open_loop(url, shots))
    outcomes = await closed_loop(url, [large] * photos, 3)
    elapsed = loop.time() - started
    _all_ok(outcomes)
    during = [outcome for outcome in await small if outcome.started_s + outcome.seconds < elapsed]
    _all_ok(during)
    return elapsed, during


def _all_ok(outcomes: list[Outcome]) -> None:
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert not failed, failed[0]


if __name__ == "__main__":
    main()
