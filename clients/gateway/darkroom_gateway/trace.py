"""What is known about one request, gathered on its way for the log, the metrics and the answer."""

import re
import secrets
import time
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope

_KEY = "darkroom.trace"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Trace:
    request_id: str
    """The caller's X-Request-Id where it is fit for logs and headers, else made up."""
    started: float = field(default_factory=time.perf_counter)
    route: str = "other"
    """A label of few values, for the metrics."""
    caller: str = ""
    """Name of the API key."""
    job_id: str = ""
    """The job's id on the server; begins with the request id."""
    status: int = 0
    """0 until an answer begins."""
    reason: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    server_s: float = 0.0
    """Seconds that the server behind had the job."""

    def new_job_id(self) -> str:
        """Unique even where a caller repeats a request id, since the server refuses a second job of the same name."""
        self.job_id = f"{self.request_id}.{secrets.token_hex(4)}"
        return self.job_id


def begin(scope: Scope) -> Trace:
    given = header(scope, "x-request-id")
    trace = Trace(given if _ACCEPTABLE.fullmatch(given) else secrets.token_hex(12))
    scope[_KEY] = trace
    return trace


def header(scope: Scope, name: str) -> str:
    """Of a request; empty where there is none."""
    return HTTPConnection(scope).headers.get(name, "")


def trace_of(connection: HTTPConnection) -> Trace:
    trace: Trace = connection.scope[_KEY]
    return trace
