"""A page of metrics, for what the machine at hand may not have: the series that a GPU makes Triton publish."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GPU = """
nv_gpu_utilization{gpu_uuid="GPU-0"} 0.5
nv_gpu_memory_used_bytes{gpu_uuid="GPU-0"} 3e10
nv_gpu_memory_total_bytes{gpu_uuid="GPU-0"} 4e10
"""


@contextlib.contextmanager
def metrics_page(text: str) -> Iterator[str]:
    """`host:port` of a server whose /metrics is `text`."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
