"""Hundreds of short jobs on a fast device: all answered, all counted, and nobody's hanging up hurts the server."""

import asyncio
import random
import re
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
from flights import simulated_server, wait_idle
from pictures import opened, photo_file
from wire import Call, RefusedError, grpc, until

from darkroom.server import Server

FILES = [photo_file(side, 64, seed=side) for side in (64, 80, 100)]
JOBS = 200
AT_ONCE = 48
"""Under the 64 that Triton queues, so that none is refused."""


@pytest.fixture(scope="module")
def quick() -> Iterator[Server]:
    with simulated_server("8,2") as running:
        yield running


async def everybody(server: Server, call: Callable[[Any, int], Awaitable[Any]]) -> list[Any]:
    """`call(client, number)` for each of JOBS callers, AT_ONCE at a time."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with tritonclient.grpc.aio.InferenceServerClient(server.grpc_url) as client:

        async def one(number: int) -> Any:
            async with gate:
                return await call(client, number)

        return await asyncio.gather(*(one(number) for number in range(JOBS)))


async def send(client: Any, number: int) -> bytes:
    data = FILES[number % len(FILES)]
    tensor = tritonclient.grpc.InferInput("image", [1, len(data)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(data, np.uint8)[None])
    answer = await client.infer("super_resolution", [tensor], parameters={"scale": 2})
    return bytes(answer.as_numpy("image").tobytes())


def metrics(server: Server) -> dict[str, float]:
    """Our families of super_resolution, by name and labels beyond task and version."""
    with urllib.request.urlopen(server.metrics_url, timeout=30) as page:
        lines = page.read().decode().splitlines()
    found = {}
    for line in lines:
        match = re.fullmatch(r'(darkroom_\w+)\{(.*)task="super_resolution"(.*)\} (\S+)', line)
        if match:
            more = re.findall(r'(outcome|network|kept|state)="(\w+)"', match[2] + match[3])
            found["/".join([match[1], *(value for _, value in more)])] = float(match[4])
    return found


def test_every_short_job_is_answered_and_counted(quick: Server) -> None:
    """Triton frees a request with its final response: a watcher that asks about it afterwards kills tritonserver."""
    before = until(lambda: (now := metrics(quick)).get("darkroom_jobs_total/ok") == 1 and now)  # the warm-up
    answers = asyncio.run(everybody(quick, send))
    assert quick.alive
    assert len(set(answers)) == len(FILES)
    for bad in (b"", b"hello"):
        with pytest.raises(RefusedError):
            grpc(quick, Call(bad))
    files = [FILES[number % len(FILES)] for number in range(JOBS)]
    exactly = {
        "darkroom_jobs_total/ok": JOBS,
        "darkroom_jobs_total/bad_image": 2,
        "darkroom_units_total/span_x2": JOBS,
        "darkroom_input_bytes_total": sum(map(len, files)),
        "darkroom_output_bytes_total": sum(map(len, answers)),
    }

    def settled() -> dict[str, float] | None:
        after = metrics(quick)
        grown = _grown(before, after, after)
        promises = sum(grown.get(f"darkroom_promises_total/{kept}", 0.0) for kept in ("true", "false"))
        return grown if promises == JOBS and _grown(before, after, exactly) == exactly else None

    grown = until(settled)
    assert JOBS / 32 <= grown["darkroom_batches_total/span_x2"] < JOBS
    assert grown["darkroom_megapixels_total"] == pytest.approx(sum(map(megapixels, files)))
    for what in ("queue", "decode", "infer", "encode", "device_busy"):
        assert grown[f"darkroom_{what}_seconds_total"] > 0
    wait_idle(quick)
    levels = ["jobs/running", "jobs/waiting", "units_waiting", "backlog_seconds", "pixel_bytes"]
    until(lambda: all(metrics(quick)[f"darkroom_{level}"] == 0 for level in levels))


def test_callers_that_hang_up_at_any_moment_do_no_harm(quick: Server) -> None:
    chance = random.Random(3)

    async def hang_up(client: Any, number: int) -> None:
        call = asyncio.create_task(send(client, number))
        await asyncio.wait([call], timeout=chance.uniform(0, 0.05))
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(everybody(quick, hang_up))
    until(lambda: served(quick))  # what was cancelled in Triton's queue is still in the way for a moment
    wait_idle(quick)
    assert quick.alive


def test_our_families_are_announced_with_help_and_kind(quick: Server) -> None:
    with urllib.request.urlopen(quick.metrics_url, timeout=30) as page:
        text = page.read().decode()
    kinds = dict(re.findall(r"# TYPE (darkroom_\w+) (\w+)", text))
    assert len(kinds) >= 15
    assert {kind for name, kind in kinds.items() if name.endswith("_total")} == {"counter"}
    assert {kind for name, kind in kinds.items() if not name.endswith("_total")} == {"gauge"}
    assert set(re.findall(r"# HELP (darkroom_\w+) \S", text)) == set(kinds)


def served(server: Server) -> bool:
    try:
        return bool(grpc(server, Call(FILES[0], options={"scale": 2})).image)
    except RefusedError as refused:
        if "Exceeds maximum queue size" in refused.message:
            return False
        raise


def megapixels(file: bytes) -> float:
    width, height = opened(file).size
    return width * height / 1e6


def _grown(before: Mapping[str, float], after: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    return {name: after.get(name, 0.0) - before.get(name, 0.0) for name in names}
