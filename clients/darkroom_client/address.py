"""Where a server is: one string -> protocol, host and port."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from darkroom_client.errors import BadOption

DEFAULT = "127.0.0.1:8001"
_PORTS = {"grpc": 8001, "grpcs": 443, "http": 8000, "https": 443}


@dataclass(frozen=True)
class Address:
    """`target` is host:port, for HTTP with the path of a prefix where one was given."""

    protocol: str
    """grpc | http"""
    secure: bool
    target: str

    def __str__(self) -> str:
        return f"{self.protocol}{'s' if self.secure else ''}://{self.target}"


def parse(url: str) -> Address:
    """Read "host:port" (gRPC), or "grpc://", "grpcs://", "http://" or "https://" with a host and maybe a port.

    Ports default to 8001 for gRPC and 8000 for HTTP, and to 443 with TLS. Raises BadOption for anything else.
    """
    if "://" not in url:
        url = f"grpc://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadOption(f"The server address {url!r} cannot be read: {error}.") from None
    if parts.scheme not in _PORTS:
        raise BadOption(
            f"The server address {url!r} must start with grpc://, grpcs://, http:// or https://, or be host:port."
        )
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise BadOption(f"The server address {url!r} must be a host and a port, like {DEFAULT}.")
    path = parts.path.rstrip("/")
    if path and parts.scheme.startswith("grpc"):
        raise BadOption(f"The server address {url!r} has a path, which gRPC has no place for.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # `or` would take port 0 for a missing one.
    port = _PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme.removesuffix("s"), parts.scheme.endswith("s"), f"{host}:{port}{path}")
