"""Three times more than the server can do, for a minute: who is served, who is refused and how fast, who is late?

    python -m perf.overload [--arrivals poisson|bursts] [--times 3] [--deadline 5 | 2 30] [--bulk 0.5]

Simulated device, 40 ms a batch and 2 ms a unit; photos of 96 to 384 pixels, a deadline for all. Open loop: callers
come when they come, whatever became of those before. Every request stands in out/perf/overload_requests.csv.
"""

import argparse
import asyncio
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from perf.harness import OUT, percentile, report, server, tree_rss, write_csv
from perf.load import Outcome, Shot, bursts, closed_loop, open_loop, photo, poisson

SIMULATE = "40,2"
SIZES = (96, 128, 192, 256, 384)
IN_TIME_S = 0.5
"""A deadline that is out of reach is told at once; one that is told later than this had been accepted."""


@dataclass(frozen=True)
class Load:
    """More than a server can do."""

    seconds: float = 60.0
    times: float = 3.0
    """Offered load over capacity."""
    arrivals: str = "poisson"
    every: float = 5.0
    """Seconds from burst to burst."""
    sizes: Sequence[int] = SIZES
    """Pixels a side, one of them at random."""
    deadline: Sequence[float] = (5.0,)
    """Seconds a caller gives its job, one at random."""
    bulk: float = 0.0
    """Share that comes in the bulk lane."""
    simulate: str = SIMULATE


@dataclass(frozen=True)
class Overload:
    """What became of a load."""

    load: Load
    peak: float
    """Images a second of 32 callers in a closed loop, before it."""
    outcomes: Sequence[Outcome]
    elapsed_s: float
    memory: tuple[float, float, float]
    """Of the server, MiB: after 10 s, highest after that, last."""

    @property
    def ok(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.reason == "ok"]

    @property
    def offered(self) -> float:
        """Images a second, as the next."""
        return len(self.outcomes) / self.load.seconds

    @property
    def served(self) -> float:
        return sum(o.started_s + o.seconds <= self.load.seconds for o in self.ok) / self.load.seconds

    @property
    def late(self) -> float:
        """Per cent of the admitted."""
        late = sum(o.reason == "deadline" and o.seconds > IN_TIME_S for o in self.outcomes)
        return 100 * late / max(1, len(self.ok) + late)

    def refusal_ms(self, q: float) -> float:
        return 1000 * percentile(_seconds([outcome for outcome in self.outcomes if outcome.reason == "busy"]), q)


def measure(load: Load) -> Overload:
    """A server of its own under this load; writes every request to out/perf/overload_requests.csv."""
    random.seed(1)
    with server(["super_resolution"], load.simulate) as running:
        url = running.grpc_url
        warm, count = (64, 600) if load.simulate else (8, 64)
        asyncio.run(closed_loop(url, [mixed_shot(0, {}, load.sizes) for _ in range(warm)], 32))
        started = time.perf_counter()
        peak_outcomes = asyncio.run(closed_loop(url, [mixed_shot(0, {}, load.sizes) for _ in range(count)], 32))
        peak = len(peak_outcomes) / (time.perf_counter() - started)
        memory = _Memory(running.pid)
        rate = load.times * peak
        if load.arrivals == "bursts":
            times = bursts(rate, load.seconds, load.every)
        else:
            times = poisson(rate, load.seconds, seed=2)
        shots = [mixed_shot(at, _options(load.deadline, load.bulk), load.sizes) for at in times]
        started = time.perf_counter()
        outcomes = asyncio.run(open_loop(url, shots))
        elapsed = time.perf_counter() - started
        low, high, last = (size / 2**20 for size in memory.stop())
    write_csv(OUT / "overload_requests.csv", [_line(outcome) for outcome in outcomes])
    return Overload(load, peak, outcomes, elapsed, (low, high, last))


def main() -> None:
    usual = Load()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--times", type=float, default=usual.times, help="offered load over capacity")
    parser.add_argument("--arrivals", choices=("poisson", "bursts"), default=usual.arrivals)
    parser.add_argument("--every", type=float, default=usual.every, help="seconds from burst to burst")
    parser.add_argument("--sizes", type=int, nargs="+", default=usual.sizes, help="pixels, one of them at random")
    parser.add_argument(
        "--deadline", type=float, nargs="+", default=usual.deadline, help="seconds a caller gives its job, at random"
    )
    parser.add_argument("--bulk", type=float, default=usual.bulk, help="share that comes in the bulk lane")
    parser.add_argument("--simulate", default=usual.simulate, help='DARKROOM_SIMULATE; "" computes on the CPU')
    load = Load(**vars(parser.parse_args()))
    result = measure(load)
    low, high, last = result.memory
    report(
        "overload",
        [
            _row("peak, 32 callers in a closed loop", result.peak, "images/s", ""),
            _row(f"offered for {load.seconds:g} s", result.offered, "images/s", ""),
            _row("served", result.served, "images/s", f">= {0.95 * result.peak:.1f}"),
            _row("accepted but late", result.late, "%", "<= 0.1"),
            _row("refusal, p50", result.refusal_ms(50), "ms", "< 10"),
            _row("refusal, p99", result.refusal_ms(99), "ms", "< 100"),
            *_answers(result.ok, max(load.deadline)),
            _row(
                "sent late by the generator, p99", 1000 * percentile([o.late_s for o in result.outcomes], 99), "ms", ""
            ),
            _row("memory of the server, after 10 s", low, "MiB", ""),
            _row("memory of the server, highest", high, "MiB", "flat"),
            _row("memory of the server, last", last, "MiB", "flat"),
        ],
        elapsed_s=result.elapsed_s,
        asked=asdict(load),
        counts={
            reason: sum(o.reason == reason for o in result.outcomes) for reason in {o.reason for o in result.outcomes}
        },
        others={o.reason: o.error for o in result.outcomes if o.reason not in ("ok", "busy", "deadline")},
    )


def _options(deadlines: Sequence[float], bulk: float) -> dict[str, object]:
    """A caller's: how long it waits, and whether it says that it is in no hurry."""
    options: dict[str, object] = {"deadline_s": random.choice(deadlines)}
    return options | ({"lane": "bulk"} if random.random() < bulk else {})


def _answers(ok: list[Outcome], deadline_s: float) -> list[dict[str, object]]:
    """Seconds to the answer, for each lane where there are two."""
    lanes = {"": ok}
    bulk = [outcome for outcome in ok if outcome.shot.options.get("lane") == "bulk"]
    if bulk:
        lanes = {", interactive": [outcome for outcome in ok if "lane" not in outcome.shot.options], ", bulk": bulk}
    return [
        _row(f"answer{lane}, p{q}", percentile(_seconds(outcomes), q), "s", f"<= {deadline_s:g}" if q == 99 else "")
        for lane, outcomes in lanes.items()
        for q in (50, 99)
    ]


def _line(outcome: Outcome) -> dict[str, object]:
    return {
        "at_s": outcome.shot.at_s,
        "bytes": len(outcome.shot.data),
        "lane": outcome.shot.options.get("lane", "interactive"),
        "deadline_s": outcome.shot.options["deadline_s"],
        "late_s": outcome.late_s,
        "outcome": outcome.reason,
        "seconds": outcome.seconds,
    }


def mixed_shot(at_s: float, options: dict[str, object], sizes: Sequence[int] = SIZES) -> Shot:
    size = random.choice(sizes)
    return Shot(at_s, photo(size, size, seed=random.randrange(8)), options=options)


def _seconds(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.seconds for outcome in outcomes]


def _row(what: str, value: float, unit: str, allowed: str) -> dict[str, object]:
    return {"what": what, "value": value, "unit": unit, "wanted": allowed}


class _Memory:
    """Samples the server's memory once a second: (after 10 s, highest after that, last), bytes."""

    def __init__(self, pid: int) -> None:
        self._samples: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, args=(pid,), daemon=True)
        self._thread.start()

    def _sample(self, pid: int) -> None:
        while not self._ended.wait(1.0):
            self._samples.append(tree_rss(pid))

    def stop(self) -> tuple[int, int, int]:
        self._ended.set()
        self._thread.join()
        settled = self._samples[10:] or self._samples
        return settled[0], max(settled), settled[-1]


if __name__ == "__main__":
    main()
