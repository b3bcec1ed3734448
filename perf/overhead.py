"""What does the server cost over its network? A 256x256 PNG, x4, through gRPC against the same network called in this
process on the same tiles; both from encoded file to encoded file, on the CPU, the two in turn.
"""

import argparse
import asyncio
import time

from perf.harness import percentile, report, server
from perf.in_process import Recipe
from perf.load import Shot, closed_loop, photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    data = photo(256, 256, format="PNG")
    direct = Recipe()
    served_s, direct_s = [], []
    with server(["super_resolution"]) as running:
        for number in range(runs + 3):
            started = time.perf_counter()
            direct.run(data)
            ours = time.perf_counter() - started
            outcome = asyncio.run(closed_loop(running.grpc_url, [Shot(0, data)], 1))[0]
            assert not outcome.error, outcome.error
            if number >= 3:
                direct_s.append(ours)
                served_s.append(outcome.seconds)
    ratios = [a / b for a, b in zip(served_s, direct_s, strict=True)]
    report(
        "overhead",
        [
            {"what": "in this process, p50 (ms)", "value": 1000 * percentile(direct_s, 50), "wanted": ""},
            {"what": "through gRPC, p50 (ms)", "value": 1000 * percentile(served_s, 50), "wanted": ""},
            {"what": "ratio of neighbours, p50", "value": percentile(ratios, 50), "wanted": "<= 1.2"},
        ],
    )


if __name__ == "__main__":
    main()
