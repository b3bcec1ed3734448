"""How long does a scrape by Prometheus take while everything is busy?

Simulated device, 40 ms a batch and 2 ms a unit; 32 callers in a closed loop through the gateway, from a process of
their own. Each page is read over a new connection, to its last byte.
"""

import argparse
import asyncio
import multiprocessing
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import aiohttp

from perf.gateway import PICTURE, SIMULATE, running_gateway
from perf.harness import percentile, report, server

CALLERS = 32
WANTED_MS = 50
_WARM_S = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrapes", type=int, default=120, help="of each page")
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two")
    arguments = parser.parse_args()
    with server(["super_resolution"], SIMULATE) as running, running_gateway(running.grpc_url) as (gateway, _):
        pages = {"Triton's page": running.metrics_url, "the gateway's page": f"{gateway}/metrics"}
        idle = _scrape(pages, arguments.scrapes // 4, 0.0)
        most_s = _WARM_S + arguments.scrapes * (arguments.every + 1)
        # Started anew: a fork would copy the threads' locks of this process, but not the threads.
        load = multiprocessing.get_context("spawn").Process(target=_load, args=(gateway, most_s))
        load.start()
        try:
            time.sleep(_WARM_S)
            busy = _scrape(pages, arguments.scrapes, arguments.every)
            assert load.is_alive(), "the load ended before the measurement"
        finally:
            load.terminate()
            load.join()
    report("scrape", [_row(name, idle[name], busy[name]) for name in pages])


def _row(name: str, idle: tuple[list[float], int], busy: tuple[list[float], int]) -> Mapping[str, Any]:
    seconds, size = busy
    return {
        "what": name,
        "KiB": size / 1024,
        "idle, p50 (ms)": 1000 * percentile(idle[0], 50),
        "full load, p50 (ms)": 1000 * percentile(seconds, 50),
        "p95 (ms)": 1000 * percentile(seconds, 95),
        "highest (ms)": 1000 * max(seconds),
        "wanted": f"p95 < {WANTED_MS}",
    }


def _scrape(pages: Mapping[str, str], count: int, every_s: float) -> dict[str, tuple[list[float], int]]:
    """Seconds of each scrape, and the size of the last page in bytes."""
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    sizes: dict[str, int] = {}
    for _ in range(count):
        for name, url in pages.items():
            started = time.perf_counter()
            with urllib.request.urlopen(url, timeout=30) as page:
                sizes[name] = len(page.read())
            seconds[name].append(time.perf_counter() - started)
        time.sleep(every_s)
    return {name: (seconds[name], sizes[name]) for name in pages}


def _load(gateway: str, seconds: float) -> None:
    asyncio.run(_callers(gateway, time.monotonic() + seconds))


async def _callers(gateway: str, end: float) -> None:
    async with aiohttp.ClientSession() as session:

        async def call() -> None:
            while time.monotonic() < end:
                async with session.post(f"{gateway}/v1/super-resolution?scale=2", data=PICTURE) as answer:
                    await answer.read()

        await asyncio.gather(*(call() for _ in range(CALLERS)))


if __name__ == "__main__":
    main()
