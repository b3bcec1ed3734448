"""Three machines behind HAProxy: how much more do they do than one, and who notices when one of them dies?

Each machine is a real, supervised tritonserver on loopback with a slow simulated device of its own (100 ms a batch
and 10 ms a unit); HAProxy runs the configuration in deploy/haproxy. Callers send small photos over gRPC in a closed
loop, as many for each machine that serves, compare every answer, and try again as our Python client does by itself.
Then one machine is killed under load, every process of it at once, and started again.
"""

import argparse
import asyncio
import collections
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darkroom_client import AsyncDarkroom, DarkroomError

from perf.balancer import NAMES, Balancer, balancer, network
from perf.harness import percentile, report
from perf.load import photo
from perf.machines import Machine, running, until

SIMULATE = "100,10"
PICTURE = photo(64, 64)
WARM_S = 3.0
WINDOW_S = 2.0
"""In which "back to full" is counted."""
_FULL = 0.9


@dataclass
class Answers:
    """What became of the calls: when each was answered, in seconds of the monotonic clock."""

    expected: bytes
    times: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From a caller's first try to his answer."""
    wrong: int = 0
    errors: collections.Counter[str] = field(default_factory=collections.Counter)

    def rate(self, begin: float, end: float) -> float:
        """Answers a second between two times."""
        return sum(begin <= time_ < end for time_ in self.times) / (end - begin)


class Load:
    """Callers in a closed loop for as long as the block lasts."""

    def __init__(self, url: str, callers: int, answers: Answers) -> None:
        self._url, self._callers, self._answers = url, callers, answers
        self._done = asyncio.Event()

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._call()) for _ in range(self._callers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._done.set()
        await asyncio.gather(*self._tasks)

    async def _call(self) -> None:
        seen = self._answers
        async with AsyncDarkroom(self._url) as client:
            while not self._done.is_set():
                began = time.monotonic()
                try:
                    result = await client.denoise(PICTURE, strength=15, deadline_s=30)
                except DarkroomError as error:
                    seen.errors[f"{type(error).__name__}, {'retryable' if error.retryable else 'final'}"] += 1
                    continue
                seen.times.append(time.monotonic())
                seen.seconds.append(seen.times[-1] - began)
                seen.wrong += result.bytes != seen.expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=8, help="for each machine that serves (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each phase (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, addresses = Path(scratch), network()
        machines = [
            Machine(f"{addresses}{11 + n}", folder / name, SIMULATE, ("denoise", "jobs"))
            for n, name in enumerate(NAMES)
        ]
        with running(machines), balancer(folder, addresses) as front:
            until(lambda: front.up("triton_grpc") == set(NAMES))
            rows, errors = asyncio.run(_measure(front, machines, arguments.callers, arguments.seconds))
    report("scale_out", rows, errors=errors)


async def _measure(
    front: Balancer, machines: list[Machine], callers: int, seconds: float
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    async with AsyncDarkroom(front.grpc) as client:
        expected = (await client.denoise(PICTURE, strength=15, deadline_s=30)).bytes
    for name in NAMES[1:]:
        front.tell(f"set server triton_http/{name} state maint")
    one = await _steady(front.grpc, callers, seconds, Answers(expected))
    for name in NAMES[1:]:
        front.tell(f"set server triton_http/{name} state ready")
    await asyncio.to_thread(until, lambda: front.up("triton_grpc") == set(NAMES))
    three = await _steady(front.grpc, callers * len(NAMES), seconds, Answers(expected))
    killed, seen = await _kill(front, machines[1], callers * len(NAMES), seconds, Answers(expected))
    final = sum(count for error, count in seen.errors.items() if error.endswith("final"))
    rows = [
        _row(f"one machine, {callers} callers", one, "pictures/s"),
        _row(f"three machines, {callers * len(NAMES)} callers", three, "pictures/s"),
        _row("three over one", three / one, "", ">= 2.8"),
        *killed,
        _row("one killed: answers", len(seen.times), ""),
        _row("one killed: wrong answers", seen.wrong, "", "0"),
        _row("one killed: retryable errors that callers saw", seen.errors.total() - final, ""),
        _row("one killed: other errors", final, "", "0"),
        _row("one killed: longest answer, tries included", percentile(seen.seconds, 100), "s"),
    ]
    return rows, dict(seen.errors)


async def _steady(url: str, callers: int, seconds: float, seen: Answers) -> float:
    """Pictures a second."""
    async with Load(url, callers, seen):
        await asyncio.sleep(WARM_S)
        began = time.monotonic()
        await asyncio.sleep(seconds)
        ended = time.monotonic()
    if seen.wrong or seen.errors:
        raise RuntimeError(f"{seen.wrong} wrong answers, and errors: {dict(seen.errors)}")
    return seen.rate(began, ended)


async def _kill(
    front: Balancer, machine: Machine, callers: int, seconds: float, seen: Answers
) -> tuple[list[dict[str, Any]], Answers]:
    async with Load(front.grpc, callers, seen):
        await asyncio.sleep(WARM_S)
        began = time.monotonic()
        await asyncio.sleep(seconds / 2)
        killed = time.monotonic()
        await asyncio.to_thread(machine.fail)
        await asyncio.sleep(seconds / 2)
        machine.start()
        await asyncio.to_thread(until, lambda: machine.healthy)
        returned = time.monotonic()
        await asyncio.sleep(seconds)
        ended = time.monotonic()
    before = seen.rate(began, killed)
    # While it is away, without the moments in which it is missed.
    away = seen.rate(killed + WARM_S, killed + max(WARM_S + 1, seconds / 2))
    rows = [
        _row("one killed: before", before, "pictures/s"),
        _row("one killed: by the other two", away, "pictures/s"),
        _row("one killed: back to 90 % after its return", _full_again(seen, before, returned, ended), "s", "<= 10"),
    ]
    return rows, seen


def _full_again(seen: Answers, before: float, returned: float, ended: float) -> float:
    """Seconds from its return to the first two seconds at the old rate; nan where there were none."""
    moments = [returned, *(time_ for time_ in sorted(seen.times) if returned < time_ < ended - WINDOW_S)]
    full = (moment for moment in moments if seen.rate(moment, moment + WINDOW_S) >= _FULL * before)
    return next(full, float("nan")) - returned


def _row(what: str, value: float, unit: str, wanted: str = "") -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "wanted": wanted}


if __name__ == "__main__":
    main()
