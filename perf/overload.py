"""Three times more than the server can do, for a minute: who is served, who is refused and how fast, who is late?

Simulated device, 40 ms a batch and 2 ms a unit; photos of 96 to 384 pixels, Poisson arrivals, a deadline for all.
Open loop: callers come when they come, whatever became of those before.
"""

import argparse
import asyncio
import random
import threading
import time

from perf.harness import percentile, report, server, tree_rss
from perf.load import Outcome, Shot, closed_loop, open_loop, photo, poisson

SIMULATE = "40,2"
SIZES = (96, 128, 192, 256, 384)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=float, default=3.0, help="offered load over capacity")
    parser.add_argument("--deadline", type=float, default=5.0, help="seconds every caller gives its job")
    arguments = parser.parse_args()
    random.seed(1)
    options = {"deadline_s": arguments.deadline}
    with server(["super_resolution"], SIMULATE) as running:
        url = running.grpc_url
        asyncio.run(closed_loop(url, [mixed_shot(0, {}) for _ in range(64)], 32))  # warm
        started = time.perf_counter()
        peak_outcomes = asyncio.run(closed_loop(url, [mixed_shot(0, {}) for _ in range(600)], 32))
        peak = len(peak_outcomes) / (time.perf_counter() - started)
        memory = _Memory(running.pid)
        times = poisson(arguments.times * peak, arguments.seconds, seed=2)
        started = time.perf_counter()
        outcomes = asyncio.run(open_loop(url, [mixed_shot(t, options) for t in times]))
        elapsed = time.perf_counter() - started
        low, high, last = memory.stop()
    ok = [outcome for outcome in outcomes if outcome.reason == "ok"]
    in_time = [o for o in ok if o.started_s + o.seconds <= arguments.seconds]
    refused = [outcome for outcome in outcomes if outcome.reason == "busy"]
    late = [o for o in outcomes if o.reason == "deadline" and o.seconds > 0.5]
    others = {o.reason: o.error for o in outcomes if o.reason not in ("ok", "busy", "deadline")}
    report(
        "overload",
        [
            _row("peak, 32 callers in a closed loop", peak, "images/s", ""),
            _row(f"offered for {arguments.seconds:g} s", len(outcomes) / arguments.seconds, "images/s", ""),
            _row("served", len(in_time) / arguments.seconds, "images/s", f">= {0.95 * peak:.1f}"),
            _row("accepted but late", 100 * len(late) / max(1, len(ok) + len(late)), "%", "<= 0.1"),
            _row("refusal, p50", 1000 * percentile(_seconds(refused), 50), "ms", "< 10"),
            _row("refusal, p99", 1000 * percentile(_seconds(refused), 99), "ms", "< 100"),
            _row("answer, p50", percentile(_seconds(ok), 50), "s", ""),
            _row("answer, p99", percentile(_seconds(ok), 99), "s", f"<= {arguments.deadline:g}"),
            _row("sent late by the generator, p99", 1000 * percentile([o.late_s for o in outcomes], 99), "ms", ""),
            _row("memory of the server, after 10 s", low / 2**20, "MiB", ""),
            _row("memory of the server, highest", high / 2**20, "MiB", "flat"),
            _row("memory of the server, last", last / 2**20, "MiB", "flat"),
        ],
        elapsed_s=elapsed,
        counts={reason: sum(o.reason == reason for o in outcomes) for reason in {o.reason for o in outcomes}},
        others=others,
    )


def mixed_shot(at_s: float, options: dict[str, object]) -> Shot:
    size = random.choice(SIZES)
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
