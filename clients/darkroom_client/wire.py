"""What travels: calls, answers, failures. Plain data, the same over gRPC and HTTP; no sockets here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Parameter = str | bool | int | float
"""What a request parameter of the KServe v2 protocol can hold."""


@dataclass(frozen=True)
class Call:
    """One inference request with one input tensor of shape [1, n] (UINT8) or [1] (BYTES)."""

    model: str
    input_name: str
    input_bytes: bytes = field(repr=False)
    datatype: str = "UINT8"
    """`UINT8` for an encoded picture, `BYTES` for one string."""
    outputs: tuple[str, ...] = ("image", "report")
    version: str = ""
    """Empty: the server's own choice, usually the newest."""
    request_id: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    priority: int = 0
    """1 goes before 2; 0 is the model's default."""
    timeout_us: int | None = None
    """Longest wait in Triton's queue, microseconds."""
    client_timeout_s: float | None = None
    """When the client hangs up, seconds."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The outputs of one inference request: raw bytes by name (a string output without its length prefix)."""

    request_id: str
    outputs: Mapping[str, bytes] = field(repr=False)


class Failure(Exception):  # noqa: N818 - never reaches a caller
    """What a transport raises: a gRPC status name (`UNAVAILABLE`; HTTP codes are translated) and the server's words.

    `UNREACHABLE` is our own name for a connection that could not be made or broke.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


_STATUS_OF_HTTP = {
    "400": "INVALID_ARGUMENT",
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "404": "NOT_FOUND",
    "408": "DEADLINE_EXCEEDED",
    "413": "TOO_LARGE",
    "429": "RESOURCE_EXHAUSTED",
    "499": "CANCELLED",
    "500": "INTERNAL",
    "501": "UNIMPLEMENTED",
    "502": "UNAVAILABLE",
    "503": "UNAVAILABLE",
    "504": "DEADLINE_EXCEEDED",
}


def status_of_http(code: str) -> str:
    """The gRPC status name that an HTTP status code ("503") stands for; `UNKNOWN` for codes without one."""
    return _STATUS_OF_HTTP.get(code, "UNKNOWN")


def first_string(raw: bytes) -> bytes:
    """The first element of a serialized BYTES tensor: four bytes of little-endian length, then the string."""
    return raw[4 : 4 + int.from_bytes(raw[:4], "little")]
