"""The service as every team writes it first, as it is mended, and Darkroom; one after the other under the same callers.

    python -m perf.before_after [--callers 1 4 16 32 64] [--seconds 40]

Locust's callers send photographs of 96 to 384 pixels to `POST /process` (x4, on the CPU) in a closed loop, and come
back when a refusal says. Before: the model is loaded in every request and nothing is refused. After: resident model,
queue of 8, 4 workers, 429. Darkroom: through its REST gateway. Everyone has the same patience; then the first two's
proxy answers 504, and Darkroom's deadline passes. Draws docs/images/before-after.svg when all callers are measured.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from perf.baselines.callers import Load, load
from perf.baselines.contenders import CONTENDERS, process
from perf.harness import OUT, report
from perf.load import photo
from perf.overload import SIZES

CALLERS = (1, 4, 16, 32, 64)
PATIENCE_S = 30.0
"""Darkroom's default deadline; proxies come with 30 to 60 s."""
PICTURE = Path("docs/images/before-after.svg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, nargs="+", default=CALLERS)
    parser.add_argument("--seconds", type=float, default=40.0, help="of load for each service and number of callers")
    parser.add_argument("--only", choices=CONTENDERS, nargs="+", default=list(CONTENDERS))
    parser.add_argument("--picture", type=Path, help=f"where to draw it (default: {PICTURE} with all services)")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder)
        for size in SIZES:
            for seed in range(4):
                (photos / f"{size}-{seed}.jpg").write_bytes(photo(size, size, seed))
        for callers in arguments.callers:
            asked = Load(callers, arguments.seconds, PATIENCE_S, photos)
            rows += [{"callers": callers, "service": name} | _measure(name, asked) for name in arguments.only]
    report("before_after", rows, patience_s=PATIENCE_S, seconds=arguments.seconds, door="REST gateway, POST /process")
    full = len(arguments.only) == len(CONTENDERS) and set(CALLERS) <= set(arguments.callers)
    picture = arguments.picture or (PICTURE if full else OUT / PICTURE.name)
    from perf.figures.before_after import draw  # matplotlib takes a second and 60 MB: not while measuring

    draw(rows, picture)
    print(f"Drawn to {picture}")


def _measure(name: str, asked: Load) -> dict[str, Any]:
    OUT.mkdir(parents=True, exist_ok=True)
    with CONTENDERS[name](asked.patience_s) as running:
        status = process(running.url, photo(96, 96), timeout_s=60.0)  # warm
        if status != 200:
            raise SystemExit(f"{name} answered {status} to a first photograph.")
        return load(running, asked)


if __name__ == "__main__":
    main()
