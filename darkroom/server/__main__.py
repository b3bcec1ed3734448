"""`python -m darkroom.server`: serve the model repository in the foreground until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from darkroom.server.errors import ServerError
from darkroom.server.health import DEFAULT_PORT
from darkroom.server.health_page import HealthPage
from darkroom.server.log import worth_showing
from darkroom.server.pins import STATE_DIR, state_dir
from darkroom.server.ports import Ports
from darkroom.server.repository import CONFIG_NAMES
from darkroom.server.server import Server
from darkroom.server.status import Status
from darkroom.server.supervisor import Supervisor

_EXPOSED = (
    "Warning: listening on {host}. Triton's own ports are for trusted machines only: docs/threat_model.md says what "
    "this release leaves open."
)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 stopped as asked; 1 could not start, or tritonserver went away unsupervised; 2 wrong usage;
    3 tritonserver could not be brought back."""
    options = _parser().parse_args(arguments)
    gpu = options.config_name == "a100"
    status = Status()

    def echo(line: str) -> None:
        if options.verbose or worth_showing(line, gpu=gpu):
            print(line, file=sys.stderr, flush=True)

    try:
        server = _server(options, echo)
        gpu = server.config_name == "a100"
        _stop_on_signals(server, status)
        if not options.host.startswith("127."):
            print(_EXPOSED.format(host=options.host), file=sys.stderr)
        page = None if options.no_supervise else HealthPage(status, options.host, options.health_port)
        server.start()
    except ServerError as error:
        print(f"darkroom.server: {error}", file=sys.stderr)
        return 1
    _say_ready(server, page)
    if page is None:
        server.wait()
    else:
        Supervisor(server, status=status).run()
    return _end(server, supervised=page is not None)


def _server(options: argparse.Namespace, echo: Callable[[str], None]) -> Server:
    server = Server(
        options.repository,
        models=options.models,
        config_name=options.config_name,
        host=options.host,
        ports=Ports(options.http_port, options.grpc_port, options.metrics_port),
        exit_timeout_s=options.exit_timeout,
        start_timeout_s=options.start_timeout,
        log_path=options.log_file or os.devnull,
        echo=echo,
        extra_arguments=options.triton_arguments,
    )
    if not options.no_supervise:
        server.keep_pins(state_dir(options.state_dir, os.environ, server.repository))
    return server


def _say_ready(server: Server, page: HealthPage | None) -> None:
    health = f"health http://{server.reachable}:{page.port}/healthz; " if page else ""
    print(
        f"Ready ({server.config_name}): HTTP {server.http_url}, gRPC {server.grpc_url}, "
        f"metrics {server.metrics_url}; {health}models {', '.join(server.models)}; "
        f"admin key in {server.admin_key_path}",
        flush=True,
    )


def _end(server: Server, *, supervised: bool) -> int:
    asked, returncode = server.stopping, server.returncode
    if asked:
        print("Stopping: running requests may finish, a second signal ends them.", file=sys.stderr, flush=True)
    server.stop()
    if asked:
        return 0
    if supervised:
        return 3
    print(f"darkroom.server: tritonserver ended by itself with status {returncode}.", file=sys.stderr)
    return 1


def _stop_on_signals(server: Server, status: Status) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        status.draining = True
        server.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m darkroom.server", description=__doc__)
    parser.add_argument(
        "--repository",
        metavar="DIR",
        help="model repository (default: model_repository); s3://, gs:// and as:// go to Triton as they are, with its "
        "credentials in the environment, and want --models",
    )
    parser.add_argument(
        "--models",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        metavar="A,B",
        help="load only these (default: all)",
    )
    parser.add_argument(
        "--config-name",
        choices=CONFIG_NAMES,
        help="default: simulated if DARKROOM_SIMULATE is set, else a100 with a GPU, else cpu",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    for name, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002)):
        parser.add_argument(
            f"--{name}-port",
            type=int,
            default=port,
            metavar="N",
            help="0 for a free one (default: %(default)s)",
        )
    parser.add_argument(
        "--exit-timeout",
        type=int,
        default=30,
        metavar="SECONDS",
        help="how long running requests may take to finish when stopping (default: %(default)s)",
    )
    parser.add_argument(
        "--start-timeout",
        type=float,
        default=1800.0,
        metavar="SECONDS",
        help="how long loading may take; TensorRT builds engines for minutes (default: %(default)s)",
    )
    parser.add_argument(
        "--health-port",
        type=int,
        default=DEFAULT_PORT,
        metavar="N",
        help="/healthz, /livez and /metrics of the supervisor; 0 for a free one (default: %(default)s)",
    )
    parser.add_argument("--no-supervise", action="store_true", help="no canaries, no healing, no pins, no health page")
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help=f"where pinned versions are kept (default: {STATE_DIR}, else below ~/.local/state/darkroom)",
    )
    parser.add_argument("--log-file", type=Path, metavar="FILE", help="append Triton's whole log to this file")
    parser.add_argument("--verbose", action="store_true", help="show Triton's whole log, not only what matters")
    parser.add_argument(
        "triton_arguments",
        nargs="*",
        metavar="-- TRITON_ARGUMENT",
        help="passed on to tritonserver as they are",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
