"""How long until the server is ready: from its start to the moment when every model has restored a first picture."""

import argparse
import time

from perf.harness import percentile, report, server

TASKS = ("super_resolution", "denoise", "face_enhance", "image_to_image")
WANTED_S = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    rows = []
    for what, tasks, simulate in (
        ("super_resolution and denoise, CPU", TASKS[:2], ""),
        ("all tasks, CPU", TASKS, ""),
        ("all tasks, simulated device", TASKS, "40,2"),
    ):
        seconds = [_ready_after(tasks, simulate) for _ in range(times)]
        rows.append(
            {
                "what": what,
                "ready, p50 (s)": percentile(seconds, 50),
                "longest (s)": max(seconds),
                "wanted": f"< {WANTED_S:g}",
            }
        )
    report("startup", rows)


def _ready_after(tasks: tuple[str, ...], simulate: str) -> float:
    began = time.perf_counter()
    with server(tasks, simulate):
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
