"""The health page: a tiny HTTP server beside tritonserver, which answers however busy that is.

GET /healthz   200 while every model's canary passes, else 503; both with the same JSON
GET /livez     200 while the supervisor itself runs
GET /metrics   for Prometheus
"""

import contextlib
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from darkroom.server.errors import ServerError
from darkroom.server.status import Status

_POLL_S = 0.05  # between looks whether it is to close


class HealthPage:
    """Serves a Status from construction to `close()`."""

    def __init__(self, status: Status, host: str, port: int) -> None:
        """`port`: 0 takes a free one. Raises ServerError where it is taken."""
        try:
            self._server = _Server((host, port), status)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ServerError(
                f"Port {port} on {host} cannot be used for the health page: {reason}. "
                "Choose another with --health-port."
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="health page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], status: Status) -> None:
        self.status = status
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0
    """Seconds for a caller to send its request."""

    def do_GET(self) -> None:
        status = self.server.status
        path = self.path.split("?")[0]
        if path == "/healthz":
            code = HTTPStatus.OK if status.healthy else HTTPStatus.SERVICE_UNAVAILABLE
            self._send(code, status.page(), "application/json")
        elif path == "/livez":
            self._send(HTTPStatus.OK, "ok\n", "text/plain")
        elif path == "/metrics":
            self._send(HTTPStatus.OK, status.metrics(), "text/plain; version=0.0.4")
        else:
            self._send(HTTPStatus.NOT_FOUND, "There are /healthz, /livez and /metrics.\n", "text/plain")

    def _send(self, code: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        # A balancer hangs up as soon as it has read the status.
        with contextlib.suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Probes come every few seconds; nobody wants to read of them."""
