"""`python -m darkroom_gateway.serve`: a Darkroom server and its gateway together, until SIGTERM or Ctrl-C.

Two processes, started and stopped as one; either ending by itself ends the other. Arguments that are not the
gateway's go to `python -m darkroom.server`, which must be installed in the same environment.
"""

import argparse
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

_POLL_S = 0.1
_STOP_WITHIN_S = 60.0
"""For one process, before it is killed: more than both need to let running work finish."""
_GRPC = re.compile(r"^Ready .*\bgRPC (\S+?),")


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 one of the two could not start or ended by itself."""
    options, rest = _parser().parse_known_args(arguments)
    pair = _Pair()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pair.ask_to_stop)
    try:
        ports = [f"--{name}-port={getattr(options, f'{name}_port')}" for name in ("http", "grpc", "metrics")]
        server = pair.start("darkroom.server", [*ports, *rest])
        ready = pair.first_line(server)
        grpc = _GRPC.match(ready)
        if grpc is None:
            return 0 if pair.stopping else 1
        print(ready, end="", flush=True)
        where = [f"--triton={grpc[1]}", f"--port={options.gateway_port}", f"--host={options.gateway_host}"]
        gateway = pair.start("darkroom_gateway", where)
        ready = pair.first_line(gateway)
        if not ready:
            return 0 if pair.stopping else 1
        print(ready, end="", flush=True)
        return pair.wait()
    finally:
        pair.stop()


class _Pair:
    """The child processes in the order of their start; stopped in the opposite order, so that the gateway's work ends
    while there is a server to do it."""

    def __init__(self) -> None:
        self.stopping = False
        self._children: list[subprocess.Popen[bytes]] = []

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            # A second signal means hurry; each child knows what that means for itself.
            self._signal_all()
        self.stopping = True

    def start(self, module: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        # Bound to our life, should we be killed; in a session of its own, so that Ctrl-C reaches it once, through us.
        command = [sys.executable, "-m", "darkroom.server.launch", str(os.getpid())]
        command += [sys.executable, "-m", module, *arguments]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        self._children.append(child)
        return child

    def first_line(self, child: subprocess.Popen[bytes]) -> str:
        """What the child says when it is ready; empty when it ended, or we were asked to stop, before that."""
        assert child.stdout is not None
        out, line = child.stdout.fileno(), b""
        while not self.stopping:
            if not select.select([out], [], [], _POLL_S)[0]:
                continue
            more = os.read(out, 4096)
            line += more
            if not more or b"\n" in line:
                break
        return line.decode() if line.endswith(b"\n") else ""

    def wait(self) -> int:
        while not self.stopping:
            for child in self._children:
                if child.poll() is not None:
                    return 1
            time.sleep(_POLL_S)
        return 0

    def stop(self) -> None:
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _signal_all(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.terminate()


def _parser() -> argparse.ArgumentParser:
    # No abbreviations: they would swallow the server's switches.
    parser = argparse.ArgumentParser(prog="python -m darkroom_gateway.serve", description=__doc__, allow_abbrev=False)
    for name, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002), ("gateway", 8080)):
        parser.add_argument(
            f"--{name}-port", type=int, default=port, metavar="N", help="0 for a free one (default: %(default)s)"
        )
    parser.add_argument("--gateway-host", default="127.0.0.1", help="where the gateway listens (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
