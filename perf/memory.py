"""Memory of the whole server tree: after the start, while it serves four large pictures at once, and afterwards."""

import argparse
import asyncio
import threading
import time

from perf.harness import report, server, tree_rss
from perf.load import Shot, closed_loop, photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1600)
    parser.add_argument("--height", type=int, default=1200)
    parser.add_argument("--simulate", default="40,2", help='DARKROOM_SIMULATE; "" computes on the CPU')
    arguments = parser.parse_args()
    with server(["super_resolution", "denoise"], arguments.simulate) as running:
        time.sleep(2.0)
        idle = tree_rss(running.pid)
        highest = [idle]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                highest.append(tree_rss(running.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        size = f"{arguments.width}x{arguments.height}"
        data = photo(arguments.width, arguments.height)
        options = {"deadline_s": 3600.0}
        outcomes = asyncio.run(closed_loop(running.grpc_url, [Shot(0, data, options=options)] * 4, 4, 3600))
        ended.set()
        watcher.join()
        assert not any(outcome.error for outcome in outcomes), outcomes[0].error
        time.sleep(3.0)
        after = tree_rss(running.pid)
    device = f"simulated {arguments.simulate}" if arguments.simulate else "CPU"
    report(
        "memory" if arguments.simulate else "memory_cpu",
        [
            {"what": "idle, super_resolution + denoise + jobs", "MiB": idle / 2**20},
            {"what": f"highest, four x4 jobs of {size} at once", "MiB": max(highest) / 2**20},
            {"what": "three seconds later", "MiB": after / 2**20},
        ],
        device=device,
    )


if __name__ == "__main__":
    main()
