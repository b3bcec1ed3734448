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

from perf.harness import OUT, percentile, report, server, tree_rss, write_csv
from perf.load import Outcome, Shot, bursts, closed_loop, open_loop, photo, poisson

SIMULATE = "40,2"
SIZES = (96, 128, 192, 256, 384)
IN_TIME_S = 0.5
"""A deadline that is out of reach is told at once; one that is told later than this had been accepted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=float, default=3.0, help="offered load over capacity")
    parser.add_argument("--arrivals", choices=("poisson", "bursts"), default="poisson")
    parser.add_argument("--every", type=float, default=5.0, help="seconds from burst to burst")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="pixels, one of them at random")
    parser.add_argument(
        "--deadline", type=float, nargs="+", default=[5.0], help="seconds a caller gives its job, one at random"
    )
    parser.add_argument("--bulk", type=float, default=0.0, help="share that comes in the bulk lane")
    parser.add_argument("--simulate", default=SIMULATE, help='DARKROOM_SIMULATE; "" computes on the CPU')
    arguments = parser.parse_args()
    random.seed(1)
    with server(["super_resolution"], arguments.simulate) as running:
        url = running.grpc_url
        warm, count = (64, 600) if arguments.simulate else (8, 64)
        asyncio.run(closed_loop(url, [mixed_shot(0, {}, arguments.sizes) for _ in range(warm)], 32))
        started = time.perf_counter()
        peak_outcomes = asyncio.run(closed_loop(url, [mixed_shot(0, {}, arguments.sizes) for _ in range(count)], 32))
        peak = len(peak_outcomes) / (time.perf_counter() - started)
        memory = _Memory(running.pid)
        rate = arguments.times * peak
        if arguments.arrivals == "bursts":
            times = bursts(rate, arguments.seconds, arguments.every)
        else:
            times = poisson(rate, arguments.seconds, seed=2)
        shots = [mixed_shot(at, _options(arguments.deadline, arguments.bulk), arguments.sizes) for at in times]
        started = time.perf_counter()
        outcomes = asyncio.run(open_loop(url, shots))
        elapsed = time.perf_counter() - started
        low, high, last = memory.stop()
    ok = [outcome for outcome in outcomes if outcome.reason == "ok"]
    in_time = [o for o in ok if o.started_s + o.seconds <= arguments.seconds]
    refused = [outcome for outcome in outcomes if outcome.reason == "busy"]
    late = [o for o in outcomes if o.reason == "deadline" and o.seconds > IN_TIME_S]
    others = {o.reason: o.error for o in outcomes if o.reason not in ("ok", "busy", "deadline")}
    write_csv(OUT / "overload_requests.csv", [_line(outcome) for outcome in outcomes])
    report(
        "overload",
        [
            _row("peak, 32 callers in a closed loop", peak, "images/s", ""),
            _row(f"offered for {arguments.seconds:g} s", len(outcomes) / arguments.seconds, "images/s", ""),
            _row("served", len(in_time) / arguments.seconds, "images/s", f">= {0.95 * peak:.1f}"),
            _row("accepted but late", 100 * len(late) / max(1, len(ok) + len(late)), "%", "<= 0.1"),
            _row("refusal, p50", 1000 * percentile(_seconds(refused), 50), "ms", "< 10"),
            _row("refusal, p99", 1000 * percentile(_seconds(refused), 99), "ms", "< 100"),
            *_answers(ok, max(arguments.deadline)),
            _row("sent late by the generator, p99", 1000 * percentile([o.late_s for o in outcomes], 99), "ms", ""),
            _row("memory of the server, after 10 s", low / 2**20, "MiB", ""),
            _row("memory of the server, highest", high / 2**20, "MiB", "flat"),
            _row("memory of the server, last", last / 2**20, "MiB", "flat"),
        ],
        elapsed_s=elapsed,
        asked=vars(arguments),
        counts={reason: sum(o.reason == reason for o in outcomes) for reason in {o.reason for o in outcomes}},
        others=others,
    )


def _options(deadlines: list[float], bulk: float) -> dict[str, object]:
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


def _seconds(outcomes: list[Outcome]) -> list[float]:
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
