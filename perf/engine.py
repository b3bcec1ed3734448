"""How busy does the engine keep its device? Alone, with jobs that have no codecs, and served over gRPC with them."""

import argparse
import asyncio
import random
import sys
import threading
import time

import numpy as np

from darkroom.config import EngineConfig, NetworkRecord
from darkroom.engine import Engine, Job, Price, Request, Work
from darkroom.engine.simulated import SimulatedRunner, Simulation
from darkroom.network import Network, Unit
from perf.harness import counters, report, server
from perf.load import closed_loop
from perf.overload import mixed_shot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    count = parser.parse_args().jobs
    alone = _alone(count)
    busy, rate, fill = _served(count)
    report(
        "engine",
        [
            {
                "what": "engine alone, 8 ms + 2 ms, batches of 8: device busy (%)",
                "value": 100 * alone,
                "wanted": ">= 97",
            },
            {"what": "served, 40 ms + 2 ms, codecs included: device busy (%)", "value": 100 * busy, "wanted": ">= 85"},
            {"what": "served: images/s", "value": rate, "wanted": ""},
            {"what": "served: units a batch", "value": fill, "wanted": ""},
        ],
    )


def _alone(count: int) -> float:
    record = NetworkRecord(file="-", sha256="-", architecture="-", weights="-", licence="-", simulated_unit=64)
    net = Network("fake", SimulatedRunner(Simulation(0.008, 0.002), record), record, max_batch=8)
    sys.setswitchinterval(0.0005)  # as in the server
    engine = Engine(EngineConfig(max_batch=8))
    engine.start()
    left = threading.Semaphore(0)

    async def body(job: Job) -> None:
        def units() -> "list[Unit]":
            return [(np.zeros((8, 8, 1), np.uint8),)] * 5

        await job.map(net, units(), lambda index, outputs: None)

    started = time.perf_counter()
    for number in range(count):
        price = Price((Work(net, (8, 8, 1), 5),), pixel_bytes=1000)
        engine.submit(Request(str(number), price, body, lambda result, error: left.release(), deadline_s=3600))
    for _ in range(count):
        left.acquire()
    busy = engine.stats.device_busy_s / (time.perf_counter() - started)
    engine.stop()
    return busy


def _served(count: int) -> tuple[float, float, float]:
    random.seed(1)
    with server(["super_resolution"], "40,2") as running:
        asyncio.run(closed_loop(running.grpc_url, [mixed_shot(0, {}) for _ in range(64)], 32))
        time.sleep(1.2)
        before = counters(running.metrics_url)
        started = time.perf_counter()
        asyncio.run(closed_loop(running.grpc_url, [mixed_shot(0, {}) for _ in range(count)], 32))
        elapsed = time.perf_counter() - started
        time.sleep(1.2)
        gained = {name: value - before.get(name, 0.0) for name, value in counters(running.metrics_url).items()}
    busy = gained["darkroom_device_busy_seconds_total"] / elapsed
    return busy, count / elapsed, gained["darkroom_units_total"] / gained["darkroom_batches_total"]


if __name__ == "__main__":
    main()
