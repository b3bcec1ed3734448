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


class Reservation:
    """Three ports that no other program is given while tritonserver is not, or not yet, or not any more, using them.

    A bound socket that does not listen keeps a port from everybody but those who ask for this very number with
    SO_REUSEADDR, as tritonserver does.
    """

    def __init__(self, host: str, wanted: Ports) -> None:
        """Check that `host` has the wanted ports to give, and choose free ones for zeros. Raises ServerError."""
        self._held: list[socket.socket] = []
        try:
            for name, port in (("http", wanted.http), ("grpc", wanted.grpc), ("metrics", wanted.metrics)):
                self._held.append(_bind(host, name, port))
        except BaseException:
            self.close()
            raise
        self.ports = Ports(*(sock.getsockname()[1] for sock in self._held))
        for sock in self._held:
            sock.shutdown(socket.SHUT_RDWR)  # stops listening, stays bound

    def close(self) -> None:
        """Give the ports back."""
        for sock in self._held:
            sock.close()


def _bind(host: str, name: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port or _free(host)))
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


def _free(host: str) -> int:
    """A port that the kernel would give. Bound without a number, a socket would lose its port with its listening."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
    return port
