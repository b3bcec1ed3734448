"""Is the simulation right? The same loads on a real server with a simulated device, and in simulated time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from darkroom.config import TilingConfig
from perf.harness import percentile, server
from perf.load import Outcome, Shot, closed_loop, open_loop, photo, poisson
from perf.plan import simulate
from perf.plan.curves import Curve
from perf.plan.host import measure
from perf.plan.jobs import Kind, parse_mix
from perf.plan.simulate import Machine, Result

MIX = "96x96,128x128,192x192,256x256,384x384"
DEVICES = {"40 ms + 2 ms": Curve(40, 2), "120 ms + 6 ms": Curve(120, 6)}
DEADLINE_S = 120.0

Run = Callable[[], tuple[list[Outcome], float]]


def validate(tiling: TilingConfig, scale: int, seconds: float) -> list[dict[str, Any]]:
    """Rows of measured against simulated, with the error in per cent, over loads of `seconds` each."""
    kinds = parse_mix(MIX, tiling, scale)
    rows = []
    for name, curve in DEVICES.items():
        with server(["super_resolution"], f"{curve.base_ms},{curve.unit_ms}") as running:
            url = running.grpc_url
            asyncio.run(closed_loop(url, _shots(simulate.draw(kinds, 32, 0)), 16))
            machine = Machine(curve, host=measure(url, kinds, curve))
            peak = 0.0
            for callers in (8, 32):
                peak = simulate.closed_loop(machine, kinds, callers, 400).rate
                pictures = simulate.draw(kinds, max(4 * callers, int(peak * seconds)), 1)
                foreseen = simulate.replay_closed(machine, pictures, callers, DEADLINE_S)
                started = time.perf_counter()
                outcomes = asyncio.run(closed_loop(url, _shots(pictures), callers))
                rows += _compare(name, f"{callers} callers", outcomes, time.perf_counter() - started, foreseen)
            times = poisson(0.7 * peak, seconds, 5)
            pictures = simulate.draw(kinds, len(times), 2)
            foreseen = simulate.replay_open(machine, times, pictures, DEADLINE_S)
            outcomes = asyncio.run(open_loop(url, _shots(pictures, times)))
            rows += _compare(name, "70 % load", outcomes, max(o.started_s + o.seconds for o in outcomes), foreseen)
    return rows


def _shots(pictures: Sequence[Kind], times: Sequence[float] = ()) -> list[Shot]:
    options = {"deadline_s": DEADLINE_S}
    return [
        Shot(times[i] if times else 0.0, photo(kind.width, kind.height, i % 8), options=options)
        for i, kind in enumerate(pictures)
    ]


def _compare(
    device: str, load: str, outcomes: Sequence[Outcome], seconds: float, foreseen: Result
) -> list[dict[str, Any]]:
    good = [outcome.seconds for outcome in outcomes if outcome.reason == "ok"]
    pairs = {
        "pictures/s": (len(good) / seconds, foreseen.rate),
        "p50 (s)": (percentile(good, 50), foreseen.p50_s),
        "p99 (s)": (percentile(good, 99), foreseen.p99_s),
    }
    return [
        {
            "device": device,
            "load": load,
            "what": what,
            "measured": measured,
            "simulated": simulated,
            "error (%)": 100 * (simulated / measured - 1),
        }
        for what, (measured, simulated) in pairs.items()
    ]
