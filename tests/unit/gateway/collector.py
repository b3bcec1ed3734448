"""A collector of traces: OTLP over HTTP, in JSON."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def collecting() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and the spans it was given, each with its `service`."""
    got: list[dict[str, Any]] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            for resource in json.loads(self.rfile.read(int(self.headers["content-length"])))["resourceSpans"]:
                service = attributes(resource["resource"])["service.name"]
                got.extend(span | {"service": service} for scope in resource["scopeSpans"] for span in scope["spans"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    """Of a span or a resource, without their types."""
    return {pair["key"]: next(iter(pair["value"].values())) for pair in span.get("attributes", ())}
