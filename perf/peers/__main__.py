"""Darkroom beside its peers, each as its own documentation says it serves best: the same networks, tiles, codecs and
device, the same callers, one run.

Every server gets mixed photos of 96 to 384 pixels from 8 and from 32 callers in a closed loop; thumbnails among large
photos; and three times its own best rate from callers who leave after a deadline. In overload each is told that
deadline, and those that can refuse may hold as many requests as they can do by then.
"""

import argparse
import asyncio
import math
import sys
from collections.abc import Mapping
from typing import Any

from perf.harness import report
from perf.peers.environment import peers
from perf.peers.house import OURS, Terms, open_house
from perf.peers.restorer import NETWORKS
from perf.peers.scenarios import Memory, Scale, closed, overload, thumbnails

SIMULATE = {"cpu": "", "8+2": "8,2", "40+2": "40,2"}
"""Devices by name: the CPU, and simulated ones (milliseconds a batch and a 128x128 tile)."""
RATES, TIMES = ("images/s", "photos/s", "served/s"), ("(s)", "(ms)")
"""How figures end that are better when higher, and when lower."""
QUEUE = 128
"""Requests in the house while no one overloads it."""
OVERLOAD = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.peers", description=__doc__)
    parser.add_argument("--peers", default=",".join(peers()), help="of %(default)s")
    parser.add_argument("--devices", default=",".join(SIMULATE), help="of %(default)s")
    parser.add_argument("--task", default="super_resolution", choices=sorted(NETWORKS))
    parser.add_argument("--seconds", type=float, default=20.0, help="of each scenario")
    arguments = parser.parse_args()
    chosen, devices = arguments.peers.split(","), arguments.devices.split(",")
    for wrong in (set(chosen) - set(peers())) | (set(devices) - set(SIMULATE)):
        sys.exit(f'There is no "{wrong}": peers are {", ".join(peers())}; devices are {", ".join(SIMULATE)}.')
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    for device in devices:
        columns = {}
        for name in (OURS, *chosen):
            print(f"{name} on {device} ...", file=sys.stderr, flush=True)
            try:
                columns[name] = _measure(name, arguments.task, device, arguments.seconds)
            except RuntimeError as error:  # what the others did is worth its table
                failed.append(str(error))
        rows += table_rows(device, columns)
    report("peers" if arguments.task == "super_resolution" else f"peers_{arguments.task}", rows)
    if failed:
        sys.exit("\n".join(failed))


def table_rows(device: str, columns: Mapping[str, Mapping[str, float | int]]) -> list[dict[str, Any]]:
    """One row a figure, one column a server, and ours as a multiple of the best peer's where one is better than
    another: rates, and seconds."""
    rows = []
    for what in dict.fromkeys(what for figures in columns.values() for what in figures):
        values = {name: figures.get(what, math.nan) for name, figures in columns.items()}
        theirs = [value for name, value in values.items() if name != OURS and math.isfinite(value)]
        best = math.nan
        if theirs and what.endswith(RATES):
            best = max(theirs)
        elif theirs and what.endswith(TIMES):
            best = min(theirs)
        ratio = values.get(OURS, math.nan) / best if best else math.nan
        rows.append({"device": device, "what": what, **values, f"{OURS} / best peer": ratio})
    return rows


def _measure(name: str, task: str, device: str, seconds: float) -> dict[str, Any]:
    scale = _scale(device, seconds)
    with open_house(name, Terms(task, SIMULATE[device], 120.0, QUEUE)) as house:
        memory = Memory(house.pid)
        asyncio.run(closed(house, 8, min(5.0, seconds)))  # warm
        eight = asyncio.run(closed(house, 8, seconds))
        many = asyncio.run(closed(house, 32, seconds))
        among = asyncio.run(thumbnails(house, scale))
        highest = memory.stop()
    peak = float(max(eight["images/s"], many["images/s"]))
    terms = Terms(task, SIMULATE[device], scale.deadline_s, int(0.8 * peak * scale.deadline_s))
    with open_house(name, terms) as house:
        asyncio.run(closed(house, min(8, terms.queue), min(5.0, seconds)))
        flood = asyncio.run(overload(house, OVERLOAD * peak, scale))
    return {
        **_named("8 callers: ", eight),
        **_named("32 callers: ", many),
        **_named("mixed: ", among),
        **_named("overload: ", flood),
        "memory (MiB)": round(highest / 2**20),
    }


def _scale(device: str, seconds: float) -> Scale:
    if device == "cpu":
        return Scale(seconds, photo=(512, 512), thumbnail_every_s=1.0, deadline_s=10.0)
    return Scale(seconds, photo=(1600, 1200), thumbnail_every_s=0.5, deadline_s=5.0)


def _named(prefix: str, figures: dict[str, float | int]) -> dict[str, float | int]:
    return {prefix + name: value for name, value in figures.items()}


if __name__ == "__main__":
    main()
