"""The three ports of a server: taken ones are named before anything starts, free ones are found."""

import errno
import socket
from dataclasses import dataclass

from darkroom.server.errors import ServerError


@dataclass(frozen=True)
class Ports:
    """TCP ports of one tritonserver; 0 asks for a free one."""

    http: int = 0
    grpc: int = 0
    metrics: int = 0

    @property
    def any_free(self) -> bool:
        """Whether some port was left to us, so that another one may be tried."""
        return 0 in (self.http, self.grpc, self.metrics)


def reserve(host: str, wanted: Ports) -> Ports:
    """Check that `host` has the wanted ports to give and replace zeros by free ones. Raises ServerError."""
    held: list[socket.socket] = []
    try:
        numbers = []
        for name, port in (("http", wanted.http), ("grpc", wanted.grpc), ("metrics", wanted.metrics)):
            held.append(_bind(host, name, port))
            numbers.append(held[-1].getsockname()[1])
        return Ports(*numbers)
    finally:
        for sock in held:
            sock.close()


def _bind(host: str, name: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1)  # two sockets may share a bound port, but only one may listen
    except (OSError, OverflowError) as error:
        sock.close()
        option = f"--{name}-port"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ServerError(
                f"Port {port} on {host} is taken by another program; free it or choose another with {option}."
            ) from None
        raise ServerError(f"Port {port} on {host} cannot be used for {option}: {error}.") from None
    return sock
