"""A thousand cancelled jobs: how fast is the device free again, and is anything left behind?

Simulated device, 40 ms a batch and 2 ms a unit. Callers of photos from 96x96 to 1000x750 hang up after a random time;
half by cancelling their gRPC call, half through the `jobs` model by id.
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from typing import Any

import numpy as np
import tritonclient.grpc as sync_grpc
from tritonclient.utils import InferenceServerException

from perf.harness import report, server, tree_rss
from perf.load import Shot, client_of, closed_loop, photo, reason, send
from perf.overload import SIMULATE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    count = parser.parse_args().jobs
    random.seed(5)
    with server(["super_resolution"], SIMULATE) as running:
        url = running.grpc_url
        warm = [Shot(0, photo(1000, 750)) for _ in range(12)]
        asyncio.run(closed_loop(url, warm, 8))
        asyncio.run(cancel_jobs(url, count // 5))
        asyncio.run(until_idle(url))
        time.sleep(2.5)  # an idle engine gives memory back after a second
        before = tree_rss(running.pid)
        reasons = asyncio.run(cancel_jobs(url, count))
        freed_s = asyncio.run(until_idle(url))
        time.sleep(2.5)
        after = tree_rss(running.pid)
        files = [p.name for kind in ("jobs", "cancel") for p in (running.runtime_dir / kind).iterdir()]
        alone = asyncio.run(closed_loop(url, [Shot(0, photo(96, 96))], 1))[0]
    report(
        "cancel",
        [
            {"what": "jobs cancelled", "value": reasons.get("cancelled", 0), "wanted": ""},
            {"what": "jobs done before their cancel", "value": reasons.get("ok", 0), "wanted": ""},
            {
                "what": "other answers",
                "value": count - reasons.get("cancelled", 0) - reasons.get("ok", 0),
                "wanted": "0",
            },
            {"what": "idle after the last cancel (s)", "value": freed_s, "wanted": "one batch and a look"},
            {"what": "files left", "value": len(files), "wanted": "0"},
            {"what": "memory before (MiB)", "value": before / 2**20, "wanted": ""},
            {"what": "memory after (MiB)", "value": after / 2**20, "wanted": "flat"},
            {"what": "next job (s)", "value": alone.seconds, "wanted": ""},
        ],
    )


async def cancel_jobs(url: str, count: int) -> dict[str, int]:
    """Send `count` jobs and cancel each after a random time; how they ended: "cancelled", "ok" or an error's reason."""
    reasons: dict[str, int] = {}
    gate = asyncio.Semaphore(16)
    async with client_of(url) as client:

        async def one(number: int) -> None:
            async with gate:
                size = random.choice(((96, 96), (256, 256), (512, 384), (1000, 750)))
                shot = Shot(0, photo(*size, seed=number % 8), id=uuid.uuid4().hex)
                call = asyncio.create_task(send(client, shot, time.perf_counter(), 60))
                await asyncio.sleep(random.uniform(0.0, 0.4))
                if call.done():
                    outcome = call.result().reason
                elif number % 2:
                    call.cancel()
                    await asyncio.gather(call, return_exceptions=True)
                    outcome = "cancelled"
                else:
                    await ask(client, {"action": "cancel", "id": shot.id})
                    outcome = (await call).reason
                reasons[outcome] = reasons.get(outcome, 0) + 1

        await asyncio.gather(*(one(number) for number in range(count)))
    return reasons


async def until_idle(url: str) -> float:
    """Seconds until the engine says that it has no job and no unit."""
    started = time.perf_counter()
    async with client_of(url) as client:
        while time.perf_counter() - started < 30:
            engines = (await ask(client, {"action": "totals"}))["engines"]
            if all(e["jobs_waiting"] + e["jobs_running"] + e["units_waiting"] == 0 for e in engines):
                break
            await asyncio.sleep(0.02)
    return time.perf_counter() - started


async def ask(client: Any, query: dict[str, str]) -> dict[str, Any]:
    """One question to the `jobs` model; again where it waited too long in Triton's queue, as on a busy machine."""
    tensor = sync_grpc.InferInput("query", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([json.dumps(query).encode()], dtype=np.object_))
    for tries_left in reversed(range(10)):
        try:
            result = await client.infer("jobs", [tensor])
            break
        except InferenceServerException as error:
            if not tries_left or reason(error.message() or "") != "deadline":
                raise
    answer: dict[str, Any] = json.loads(result.as_numpy("answer").ravel()[0])
    return answer


if __name__ == "__main__":
    main()
