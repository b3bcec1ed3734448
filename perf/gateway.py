"""What the REST gateway costs, and what it does when too many come.

Simulated device, 40 ms a batch and 2 ms a unit; a photo of 256x256 pixels, twice as large. Overhead: the same jobs by
bare gRPC and through a gateway (a process of its own), in turns, because other work on the machine comes and goes.
Overload: three times what the server can do, open loop. Retries: bursts that fit on average; whoever is refused waits
exactly as long as Retry-After says.
"""

import argparse
import asyncio
import collections
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import aiohttp
import psutil

from perf.harness import percentile, report, server
from perf.load import Shot, closed_loop, photo, poisson

SIMULATE = "40,2"
PICTURE = photo(256, 256)
CALLERS = 16
HUNG_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="turns of direct and gateway")
    parser.add_argument("--jobs", type=int, default=240, help="jobs a turn")
    parser.add_argument("--seconds", type=float, default=20.0, help="of overload, and of bursts")
    arguments = parser.parse_args()
    with server(["super_resolution"], SIMULATE) as running, running_gateway(running.grpc_url) as (url, process):
        rows = asyncio.run(_overhead(running.grpc_url, url, process, arguments.rounds, arguments.jobs))
        peak = rows[1]["gateway"]
        rows += asyncio.run(_overload(url, peak, arguments.seconds))
        rows += asyncio.run(_bursts(url, peak, arguments.seconds))
    report("gateway", rows)


@contextlib.contextmanager
def running_gateway(triton: str, *arguments: str) -> Iterator[tuple[str, psutil.Process]]:
    """Its URL and its process, in front of the server with the gRPC address `triton`."""
    command = [sys.executable, "-m", "darkroom_gateway", "--triton", triton, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        ready = re.match(r"Ready: (\S+) ", child.stdout.readline())
        assert ready, "the gateway did not start"
        try:
            yield ready[1], psutil.Process(child.pid)
        finally:
            child.terminate()


async def _overhead(direct: str, url: str, process: psutil.Process, rounds: int, jobs: int) -> list[dict[str, Any]]:
    alone: dict[str, list[float]] = {"direct": [], "gateway": []}
    crowd: dict[str, list[float]] = {"direct": [], "gateway": []}
    loops: dict[str, Callable[[int, int], Any]] = {
        "direct": lambda count, callers: _direct(direct, count, callers),
        "gateway": lambda count, callers: _through(url, count, callers),
    }
    for loop in loops.values():
        await loop(64, CALLERS)  # warm
    used = _cpu_s(process)
    for turn in range(rounds):
        # direct first in one turn, last in the next
        for name in sorted(loops, reverse=bool(turn % 2)):
            alone[name] += await loops[name](30, 1)
            started = time.perf_counter()
            await loops[name](jobs, CALLERS)
            crowd[name].append(jobs / (time.perf_counter() - started))
    used = 1000 * (_cpu_s(process) - used) / (rounds * (jobs + 30))
    one = {name: 1000 * percentile(seconds, 50) for name, seconds in alone.items()}
    many = {name: percentile(rates, 50) for name, rates in crowd.items()}
    more = f"+{one['gateway'] - one['direct']:.1f} ms (< 10)"
    less = f"{100 * (many['gateway'] / many['direct'] - 1):+.1f} % (> -10)"
    return [
        {"what": "answer, one caller, p50", **one, "unit": "ms", "wanted": more},
        {"what": f"throughput, {CALLERS} callers", **many, "unit": "images/s", "wanted": less},
        _row("processor time a job", used, "ms"),
    ]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _direct(url: str, count: int, callers: int) -> list[float]:
    shots = [Shot(0.0, PICTURE, options={"scale": 2}) for _ in range(count)]
    outcomes = await closed_loop(url, shots, callers)
    assert all(outcome.reason == "ok" for outcome in outcomes)
    return [outcome.seconds for outcome in outcomes]


async def _through(url: str, count: int, callers: int) -> list[float]:
    seconds: list[float] = []
    left = iter(range(count))
    async with _session() as session:

        async def call() -> None:
            for _ in left:
                started = time.perf_counter()
                status, _ = await _post(session, url)
                assert status == 200, status
                seconds.append(time.perf_counter() - started)

        await asyncio.gather(*(call() for _ in range(callers)))
    return seconds


async def _overload(url: str, peak: float, duration_s: float) -> list[dict[str, Any]]:
    statuses: collections.Counter[int] = collections.Counter()
    refused: list[float] = []
    async with _session() as session:

        async def fire(at_s: float) -> None:
            await asyncio.sleep(at_s)
            started = time.perf_counter()
            status, _ = await _post(session, url, deadline_s=5)
            statuses[status] += 1
            if status == 429:
                refused.append(time.perf_counter() - started)

        await asyncio.gather(*(fire(at_s) for at_s in poisson(3 * peak, duration_s, seed=3)))
    total = sum(statuses.values())
    other = total - statuses[200] - statuses[429] - statuses[504]
    return [
        _row(f"overload: sent in {duration_s:g} s", total, "requests"),
        _row("overload: 200", statuses[200], "answers"),
        _row("overload: 429", statuses[429], "answers"),
        _row("overload: 504", statuses[504], "answers"),
        _row("overload: anything else, or hung", other, "answers", "0"),
        _row("overload: refusal, p50", 1000 * percentile(refused, 50), "ms"),
        _row("overload: refusal, p99", 1000 * percentile(refused, 99), "ms"),
    ]


async def _bursts(url: str, peak: float, duration_s: float) -> list[dict[str, Any]]:
    """Every 5 s as many as the server does in 3.5 s, all at once, with 2 s to spare each."""
    tries: list[int] = []
    async with _session() as session:

        async def caller(at_s: float) -> None:
            await asyncio.sleep(at_s)
            for attempt in range(1, 6):
                status, retry_after = await _post(session, url, deadline_s=2)
                if status == 200:
                    tries.append(attempt)
                    return
                await asyncio.sleep(retry_after)
            tries.append(6)

        bursts = [5.0 * number for number in range(max(1, int(duration_s / 5)))]
        await asyncio.gather(*(caller(at_s) for at_s in bursts for _ in range(int(3.5 * peak))))
    share = [100 * sum(one <= limit for one in tries) / len(tries) for limit in (1, 2)]
    return [
        _row("bursts: served at the first try", share[0], "%"),
        _row("bursts: served by the second try", share[1], "%", ">= 95"),
    ]


def _row(what: str, value: float, unit: str, wanted: str = "") -> dict[str, Any]:
    return {"what": what, "direct": "", "gateway": value, "unit": unit, "wanted": wanted}


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=HUNG_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


async def _post(session: aiohttp.ClientSession, url: str, **options: float) -> tuple[int, float]:
    """(status, seconds of Retry-After); status 0 where no answer came."""
    query: Sequence[tuple[str, str]] = [("scale", "2"), *((name, str(value)) for name, value in options.items())]
    try:
        async with session.post(f"{url}/v1/super-resolution", params=query, data=PICTURE) as response:
            await response.read()
            return response.status, float(response.headers.get("Retry-After", 0))
    except (aiohttp.ClientError, TimeoutError):
        return 0, 1.0


if __name__ == "__main__":
    main()
