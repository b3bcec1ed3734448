"""NVIDIA's perf_analyzer over tasks, sizes, protocols, concurrencies and request rates.

    python -m perf.analyze [--profile laptop] [--sizes 256x256] [--concurrency 1 4 | --rates 0.5 1]

against a server of its own, or a running one: `--http HOST:PORT --grpc HOST:PORT`. Overload is not measured here
(perf.overload does): perf_analyzer ends at the first refusal. Needs `make perf-tools`.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from darkroom.server import Server
from perf.analyze.analyzer import Addresses, measure
from perf.analyze.profiles import PROFILES, points
from perf.harness import OUT, report

ONLY_EXECUTE = (
    "The execute() columns are Triton's own and end when execute() returns, which is before the work begins: "
    "what a job took is in its report, and in darkroom_* at /metrics."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=PROFILES, default="laptop")
    parser.add_argument("--http", help="host:port of a running server, with --grpc")
    parser.add_argument("--grpc", help="host:port of a running server, with --http")
    parser.add_argument("--simulate", help='DARKROOM_SIMULATE for our own server, like "40,2"')
    parser.add_argument("--tasks", nargs="+", default=())
    parser.add_argument("--sizes", nargs="+", type=_size, default=(), metavar="WIDTHxHEIGHT")
    parser.add_argument("--protocols", nargs="+", choices=("grpc", "http"), default=())
    parser.add_argument("--concurrency", nargs="+", type=int, default=(), help="requests under way")
    parser.add_argument("--rates", nargs="+", type=float, default=(), help="requests a second")
    parser.add_argument("--requests", type=int, help="at each point, at least")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for each point")
    arguments = parser.parse_args()
    if bool(arguments.http) != bool(arguments.grpc):
        parser.error("--http and --grpc go together.")
    profile = PROFILES[arguments.profile]
    chosen = points(
        profile, arguments.tasks, arguments.sizes, arguments.protocols, arguments.concurrency, arguments.rates
    )
    if arguments.http:
        where: contextlib.AbstractContextManager[Addresses] = contextlib.nullcontext(
            Addresses(arguments.http, arguments.grpc)
        )
    else:
        simulate = profile.simulate if arguments.simulate is None else arguments.simulate
        config = "simulated" if simulate else profile.config_name
        where = _own(sorted({point.task for point in chosen}), config, simulate)
    rows = []
    with where as addresses, tempfile.TemporaryDirectory() as folder:
        for point in chosen:
            requests = arguments.requests or profile.requests
            rows.append(measure(point, addresses, requests, Path(folder), arguments.limit))
    report("analyze", rows, profile=arguments.profile, note=ONLY_EXECUTE)
    print(f"\n{ONLY_EXECUTE}")
    if all(row["failed"] for row in rows):
        raise SystemExit("perf_analyzer measured nothing.")


@contextlib.contextmanager
def _own(tasks: list[str], config: str, simulate: str) -> Iterator[Addresses]:
    OUT.mkdir(parents=True, exist_ok=True)
    environment = {"DARKROOM_SIMULATE": simulate} if simulate else {}
    log = OUT / "server.log"
    with Server(models=[*tasks, "jobs"], config_name=config, env=environment, log_path=log) as running:
        yield Addresses(running.http_url, running.grpc_url)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f'a size is two numbers like 256x256, got "{text}"')
    return int(width), int(height)


if __name__ == "__main__":
    main()
