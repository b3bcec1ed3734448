"""How much of what this machine can do at all is left when a server stands between?

The same networks, tiles and codecs in this process, called as well as one can without an engine (one thread after the
other, or two that take turns at the network and do codecs meanwhile: whichever is faster), and served to 8 callers
over gRPC; in turns, because other work on the machine comes and goes. On the CPU, from encoded file to encoded file.
"""

import argparse
import asyncio
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from darkroom import codec
from darkroom.config import Limits
from darkroom.server import Server
from perf.harness import percentile, report, server
from perf.in_process import SIGMA, Recipe
from perf.load import Shot, closed_loop, photo
from perf.overload import SIZES

CALLERS = 8
WANTED = 0.95


@dataclass(frozen=True)
class Case:
    """One task and the sizes of the pictures it gets."""

    task: str
    sizes: tuple[int, ...]

    @property
    def name(self) -> str:
        sizes = (
            f"{self.sizes[0]}x{self.sizes[0]}" if len(self.sizes) == 1 else f"{self.sizes[0]}-{self.sizes[-1]} mixed"
        )
        return f"{self.task}, {sizes}"


CASES = (
    Case("super_resolution", (256,)),
    Case("super_resolution", SIZES),
    Case("denoise", (256,)),
    Case("denoise", SIZES),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9, help="of each way")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn, about")
    parser.add_argument("--tasks", choices=sorted({case.task for case in CASES}), nargs="+")
    arguments = parser.parse_args()
    cases = [case for case in CASES if arguments.tasks is None or case.task in arguments.tasks]
    rows = []
    with server(["super_resolution", "denoise"]) as running:
        for case in cases:
            rows.append(_measure(running, case, arguments.turns, arguments.seconds))
    report("ceiling", rows, callers=CALLERS, turns=arguments.turns)


def _measure(running: Server, case: Case, turns: int, seconds: float) -> dict[str, object]:
    recipe = Recipe(case.task)
    warm = _pictures(case, 2 * CALLERS)
    _served(running, case.task, warm)
    _in_process(recipe, warm, 2)
    pictures = _pictures(case, max(2 * CALLERS, round(seconds * _in_process(recipe, warm, 2))))
    ways = {
        "one thread": lambda: _in_process(recipe, pictures, 1),
        "two threads": lambda: _in_process(recipe, pictures, 2),
        "served": lambda: _served(running, case.task, pictures),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        # whoever comes first in one turn comes last in the next
        for name in sorted(ways, reverse=bool(turn % 2)):
            rates[name].append(ways[name]())
    best = max(("one thread", "two threads"), key=lambda name: percentile(rates[name], 50))
    ratios = [ours / alone for ours, alone in zip(rates["served"], rates[best], strict=True)]
    return {
        "what": case.name,
        "in process (images/s)": percentile(rates[best], 50),
        "by": best,
        "served (images/s)": percentile(rates["served"], 50),
        "ratio of neighbours, p50": percentile(ratios, 50),
        "wanted": f">= {WANTED}",
    }


def _pictures(case: Case, count: int) -> list[bytes]:
    chosen = random.Random(1)
    return [photo(size, size, chosen.randrange(8)) for size in chosen.choices(case.sizes, k=count)]


def _in_process(recipe: Recipe, pictures: Sequence[bytes], threads: int) -> float:
    """Images per second."""
    device = threading.Lock()

    def work(data: bytes) -> bytes:
        image = codec.decode(data, Limits())
        with device:
            image.pixels = recipe.compute(image.pixels)
        return codec.encode(image, "same", None)

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pictures))
    return len(pictures) / (time.perf_counter() - started)


def _served(running: Server, task: str, pictures: Sequence[bytes]) -> float:
    options = {"deadline_s": 600.0} | ({"strength": float(SIGMA)} if task == "denoise" else {})
    shots = [Shot(0.0, data, task, options) for data in pictures]
    started = time.perf_counter()
    outcomes = asyncio.run(closed_loop(running.grpc_url, shots, CALLERS, timeout_s=600.0))
    elapsed = time.perf_counter() - started
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert not failed, failed[0]
    return len(pictures) / elapsed


if __name__ == "__main__":
    main()
